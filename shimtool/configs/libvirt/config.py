"""A domain's XML as a config, as configs/parse.py hands it on."""

from collections.abc import Iterator
from pathlib import Path

from shimtool.configs.libvirt.convert import convert, is_ours
from shimtool.configs.libvirt.domain import Domain
from shimtool.configs.libvirt.names import outputs_named
from shimtool.deferred import dataclass
from shimtool.model import ConfigString, Guest, Plan, Syntax
from shimtool.model.outputs import OutputKind


@dataclass(frozen=True, slots=True)
class LibvirtConfig:
    """A domain's XML."""

    domain: Domain
    syntax: Syntax = Syntax.LIBVIRT

    @property
    def path(self) -> Path:
        """Where it was read from."""
        return self.domain.path

    @property
    def data(self) -> bytes:
        """The file's own bytes."""
        return self.domain.data

    @property
    def ours(self) -> bool:
        """Whether shimtool wrote it."""
        return is_ours(self.domain)

    @property
    def name(self) -> ConfigString | None:
        """The guest's name as it stands there, unchecked."""
        return self.domain.name

    def guest(self) -> Guest:
        """Return the guest it describes; ShimtoolError with all that is wrong in it."""
        return self.domain.guest()

    def before(self) -> Guest | None:
        """Return None: elements that were removed are in it no longer."""
        return None

    def outputs_named(self) -> Iterator[tuple[OutputKind, str]]:
        """Yield (what, dom0 path) of each file of ours it needs; ShimtoolError when not ours."""
        return outputs_named(self.domain)

    def converted(self, plan: Plan) -> bytes:
        """Return the new config."""
        return convert(self.domain, plan.edits)
