"""What tests of kernels share."""

from collections.abc import Iterator

import pytest

from tests.support import kernel_builder


@pytest.fixture(autouse=True, scope="module")
def forgotten() -> Iterator[None]:
    """Keep no large kernel: each child that is forked later would have to be given it."""
    yield
    kernel_builder.vmlinux.cache_clear()
    kernel_builder.packed_vmlinux.cache_clear()
