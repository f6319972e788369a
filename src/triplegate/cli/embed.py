"""`triplegate embed`: the embedding model of semantic caching."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from triplegate.cli.failures import Failed
from triplegate.cli.place import find_place

embed = App(name="embed", help="Prepare the embedding model of semantic caching.")


@embed.command
def export(
    *,
    output: Annotated[Path | None, Parameter(help="Directory to write to; below the configuration by default.")] = None,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
) -> int:
    """Write the packaged model as ONNX int8: quicker, smaller, and without torch at run time."""
    from triplegate.stores.semantic.exporting import export as write

    folder = output if output is not None else find_place(config).state / "embed"
    try:
        written = write(folder)
    except ModuleNotFoundError as error:
        raise Failed(f"{error.name} is not installed: install the extra `semantic` (make semantic)") from error
    print(f"wrote {written} ({written.stat().st_size / 1e6:.1f} MB)")
    return 0
