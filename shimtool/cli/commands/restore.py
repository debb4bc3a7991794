"""`shimtool restore`."""

from pathlib import Path

from shimtool.cli.flags import Json
from shimtool.cli.one_by_one import one_by_one
from shimtool.cli.options import Configs, option_group
from shimtool.cli.results import guests as guest_results
from shimtool.commands.settings import InPlaceSettings
from shimtool.output.originals import converted_in_place
from shimtool.output.originals import restore as restore_config
from shimtool.text import printable


@option_group(InPlaceSettings)
def restore(configs: Configs = None, *, settings: InPlaceSettings, as_json: Json = False) -> None:
    """Undo --in-place: bring back the configs' exact bytes."""

    def one(config: Path) -> tuple[object, str]:
        restore_config(config, settings.out)
        return guest_results.restored(config, ()), printable(f"{config}: restored")

    found = configs or converted_in_place(settings.in_dir)
    one_by_one(found, one, guest_results.restored, as_json=as_json)
