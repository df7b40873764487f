"""Write the HTML report: index.html and the files beside it."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fakebench_suite.errors import describe_unwritable
from fakebench_suite.metrics.claims import GroundedRun, ground_run
from fakebench_suite.provenance import collect_pixels
from fakebench_suite.report.html.assets import POLICY, copy_assets
from fakebench_suite.report.html.data_script import write_data_script
from fakebench_suite.report.html.overview import Overview, describe_overview
from fakebench_suite.report.html.plots import make_plots
from fakebench_suite.report.html.record_index import index_records
from fakebench_suite.report.html.records import write_texts
from fakebench_suite.report.html.run_data import ReportBaseline, load_records, load_run
from fakebench_suite.report.thumbnails import (
    ImageSource,
    ReportImageSize,
    Thumbnails,
    list_images,
)
from fakebench_suite.runs.case_changes import compare_records
from fakebench_suite.runs.store import check_inside, write_whole

if TYPE_CHECKING:
    from jinja2 import Template

INDEX, FOLDER = "index.html", "report"


def write_html_report(
    run: Path,
    *,
    images: ImageSource | Thumbnails | None,
    size: ReportImageSize = ReportImageSize.THUMBNAIL,
    baseline: ReportBaseline | None = None,
    name: str | None = None,
    known: GroundedRun | None = None,
) -> Path:
    """Write the report of the run directory ``run`` into it and return its ``index.html``.

    ``images`` is the source of the images, which are stored in ``size``, or thumbnails that are
    being made; without it, images stored earlier are shown. With ``baseline`` each case is compared
    with the same case there. ``name`` is the name of the run if it differs from the directory's.
    ``known`` are the records of the directory and what they claim, where that is known already. An
    earlier report is replaced once the new one is complete, and links are not followed.
    Raises UserError if either is not a run directory or the report cannot be written, and
    MachineError if the disk is full.
    """
    loaded = load_run(run, name=name, records=None if known is None else known.records)
    changes = None
    if baseline is not None:
        changes = compare_records(loaded.records, load_records(baseline.folder))
    folder = run / FOLDER
    check_inside(folder, run)
    try:
        folder.mkdir(exist_ok=True)
        with TemporaryDirectory(prefix=".draft-", dir=folder) as place:
            draft = Path(place)
            copy_assets(draft)
            names = sorted({name for record in loaded.records for name in list_images(record)})
            index = index_records(loaded.records, changes)
            if isinstance(images, Thumbnails):
                index |= {"pictures": images.finish()}
            else:
                shown = collect_pixels(loaded.records)
                with Thumbnails(run, names, images, size, shown=shown) as pictures:
                    index |= {"pictures": pictures.finish()}
            write_data_script(draft / "index.js", "index", index, compress=True)
            if known is None:
                known = ground_run(loaded.records)
            write_texts(draft, loaded, changes, known.grounded)
            plots = make_plots(loaded, known.rows)
            write_data_script(
                draft / "plots.js", "plots", {plot.key: plot.figure for plot in plots}
            )
            page = _render_page(describe_overview(loaded, plots, changes, baseline=baseline))
            _publish(draft, folder)
            write_whole(run / INDEX, page)
            return run / INDEX
    except OSError as error:
        raise describe_unwritable(
            f"The report of {name or run}",
            error,
            advice="Make room, then write it with 'fakebench report'.",
        ) from error


def _publish(draft: Path, folder: Path) -> None:
    """Replace the files of an earlier report."""
    files = sorted(draft.iterdir())
    for path in files:
        path.replace(folder / path.name)
    kept = {path.name for path in files}
    for old in folder.glob("texts-*.js"):
        if old.name not in kept:
            old.unlink()


def _render_page(overview: Overview) -> bytes:
    page = _load_template().render(overview=overview, policy=POLICY)
    # Half a surrogate pair, which UTF-8 cannot carry, becomes a reference and shows as U+FFFD.
    return page.encode("utf-8", "xmlcharrefreplace")


@cache
def _load_template() -> "Template":
    """Load the page's template, which takes longer to compile than a page to render."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fakebench_suite.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html")
