"""Code whose outcome only Python could tell: the keys it may set are refused, no others."""

from pathlib import Path

import pytest

from shimtool.configs.xl.syntax import parse
from shimtool.configs.xm import translate
from shimtool.errors import ShimtoolError

BASE = "name = 'n'\nmemory = 64\ndisk = ['d']\nvif = ['v']\nother = [disk]\nkernel = '/k'\n"


def unknown(code: str) -> set[str]:
    """Return the keys that are refused after `code`."""
    try:
        parse(translate(f"{BASE}{code}\n".encode(), Path("g")), Path("g"))
    except ShimtoolError as error:
        return {fault.message.split()[0] for fault in error.faults}
    return set()


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("if x:\n    kernel = 'a'", {"kernel"}),
        ("if x:\n    pass\nelif y:\n    kernel = 'a'\nelse:\n    name = 'b'", {"kernel", "name"}),
        ("if x:\n    if y:\n        memory += 1", {"memory"}),
        ("if x:\n    del kernel", {"kernel"}),
        ("if x:\n    disk.append('e')", {"disk"}),
        ("if x:\n    vif += ['e']", {"vif"}),
        ("if x:\n    vif[0] = 'e'", {"vif"}),
        ("if x:\n    (name, memory) = f()", {"name", "memory"}),
        ("for name in y:\n    pass", {"name"}),
        ("for (name, memory) in y:\n    pass", {"name", "memory"}),
        ("while x:\n    memory = memory * 2", {"memory"}),
        ("try:\n    import kernel\nexcept E, name:\n    memory = 1", {"kernel", "name", "memory"}),
        ("try:\n    pass\nfinally:\n    name = 'z'", {"name"}),
        ("with f() as name:\n    kernel = 'a'", {"name", "kernel"}),
        ("def name():\n    memory = 1", {"name"}),
        ("def f():\n    memory = 1\n    global kernel\n    kernel = 1\nf()", set()),
        ("def f(x=disk):\n    x.append(1)\nf()", {"disk"}),
        ("class A:\n    memory = 1\n    disk.append('e')", {"disk", "memory"}),
        ("@f\ndef kernel():\n    pass", {"kernel"}),
        ("import kernel", {"kernel"}),
        ("import os.path, name.x as memory", {"memory"}),
        ("from x import a as kernel, name", {"kernel", "name"}),
        ("f(disk)", {"disk"}),
        ("f(other)", {"disk"}),
        ("f(x=[disk])", {"disk"}),
        ("f(name, memory)", set()),
        ("x = f(disk)", {"disk"}),
        ("x = lambda y=disk: y", {"disk"}),
        ("x = disk or []\nx.append('e')", {"disk"}),
        ("x = a if b else disk\nx.append('e')", {"disk"}),
        ("x = other[i]\nx.append('e')", {"disk"}),
        ("x = other[0]\nx.append(y)", {"disk"}),
        ("x = [other[i]]\nx[0].append('e')", {"disk"}),
        ("x = {'a': other[i]}\nx['a'].append('e')", {"disk"}),
        ("x = []\nx.append(other[i])\nx[0].append('e')", {"disk"}),
        ("o.d = disk\no.go()", {"disk"}),
        ("x = {}\nx['d'] = disk\nx['d'].append('e')", {"disk"}),
        ("x = {'d': disk}\nx['d'].append(y)", {"disk"}),
        ("disk.insert(0, 'e')", {"disk"}),
        ("disk.sort()", {"disk"}),
        ("disk[0] = 'e'", {"disk"}),
        ("disk[0] += 'e'", {"disk"}),
        ("o[0] += f(disk)", {"disk"}),
        ("o.d += disk\no.go()", {"disk"}),
        ("o[0] += [name for name in y]", {"name"}),
        ("o[0] += eval('1')", {"this"}),
        ("x = y\nx += [disk]\nx[0].append('e')", {"disk"}),
        ("x = ['e']\nx += disk", set()),
        ("del disk[0]", {"disk"}),
        ("del o[0], disk[0]", {"disk"}),
        ("x = y\ndel o[0], (x, kernel)\nname = x", {"name"}),
        ("disk.extend(y)", {"disk"}),
        ("disk += y", {"disk"}),
        ("disk = [name for name in y]", {"disk", "name"}),
        ("name += y", {"name"}),
        ("name = memory = kernel = y", {"name", "memory", "kernel"}),
        ("name, memory = y", {"name", "memory"}),
        ("name, memory = 'a', 'b', 'c'", {"name", "memory"}),
        ("name, (memory, kernel) = 'a', ('b', y)", {"kernel"}),
        ("print name, disk", set()),
        ("print >>f, disk", set()),
        ("print(disk)", set()),
        ("print f(disk)", {"disk"}),
        ("assert f(disk)", {"disk"}),
        ("str = f\nname = str(1)", {"name"}),
        ("kernel = y\nkernel = '/k2'", set()),
        ("keymap = y; device_model = y; vnc = True", set()),
        ("unheard_of = y", set()),
        ("kernel = y\ndel kernel", set()),
        ("kernel = None", set()),
        ("if x:\n    raise ValueError", set()),
        ("name: str = 'x'", {"a"}),
        ("raise E", {"a"}),
        ("from x import *", {"this"}),
        ("if x:\n    execfile('y')", {"this"}),
        ("exec(open('/etc/xen/common').read())", {"this"}),
        ("exec('memory = 5')", {"this"}),
        ("exec 'x = 1'", {"this"}),
        ("x = eval('1')", {"this"}),
        ("locals()['name'] = 'x'", {"this"}),
        ("locals().update(x)", {"this"}),
        ("__import__('x')", {"this"}),
        ("x = '%(name)s' % locals()", set()),
        ("x = '{name}'.format(**locals())", set()),
    ],
)
def test_what_is_refused(code: str, keys: set[str]) -> None:
    assert unknown(code) == keys


def test_where_it_began_is_said() -> None:
    with pytest.raises(ShimtoolError) as caught:
        translate(
            b"import os\nv = os.uname()[2]\nk = '/boot/vmlinuz-' + v\nkernel = k\n", Path("g")
        )
    (fault,) = caught.value.faults
    assert str(fault.where) == "g:4"
    assert "os.uname(), which only Python can run (line 2)" in fault.message
    assert fault.seen == "kernel = k"


def test_all_names_of_del_are_unset() -> None:
    code = f"{BASE}o = y\ndel o[0], (kernel, vif)\n".encode()
    assert not {"kernel", "vif"} & {*parse(translate(code, Path("g")), Path("g")).keys()}
