"""index.html and everything beside it: the entry to the HTML report."""

from collections.abc import Sequence
from pathlib import Path

from fakebench_suite.errors import UserError
from fakebench_suite.gates.shift import Shift
from fakebench_suite.report.browser.assets import POLICY, copy_assets
from fakebench_suite.report.browser.change import compare_records
from fakebench_suite.report.browser.index import index_records
from fakebench_suite.report.browser.overview import Overview, describe_overview
from fakebench_suite.report.browser.plots import draw_plots
from fakebench_suite.report.browser.run import load_records, load_run
from fakebench_suite.report.browser.script import write_script
from fakebench_suite.report.browser.texts import write_texts
from fakebench_suite.report.pictures import ImageSource, Pictures, ReportImages

INDEX, FOLDER = "index.html", "report"


def write_browser(
    run: Path,
    *,
    images: ImageSource | Pictures | None,
    size: ReportImages = ReportImages.THUMBNAIL,
    baseline: Path | None = None,
    shifts: Sequence[Shift] = (),
) -> Path:
    """Write the report of the run directory ``run`` into it and return its ``index.html``.

    ``images`` gives the pictures, to be kept in ``size``, or is these on their way; without it,
    those made before are shown.
    With ``baseline``, another run directory, every case is compared with its counterpart there;
    ``shifts`` says what became of the figures since.
    Raises UserError when either is no run directory or the report cannot be written.
    """
    loaded = load_run(run)
    changes = None if baseline is None else compare_records(loaded.records, load_records(baseline))
    folder = run / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        copy_assets(folder)
        names = sorted({record.case.image for record in loaded.records})
        index = index_records(loaded.records, changes)
        if isinstance(images, Pictures):
            index |= {"pictures": images.finish()}
        else:
            with Pictures(run, names, images, size) as pictures:
                index |= {"pictures": pictures.finish()}
        write_script(folder / "index.js", "index", index)
        write_texts(folder, loaded, changes)
        plots = draw_plots(loaded)
        write_script(folder / "plots.js", "plots", {plot.key: plot.figure for plot in plots})
        overview = describe_overview(
            loaded,
            plots,
            changes,
            baseline=None if baseline is None else baseline.resolve().name,
            shifts=shifts,
        )
        return _write_page(run / INDEX, overview)
    except OSError as error:
        raise UserError(f"{error.filename or run} cannot be written: {error.strerror}.") from error


def _write_page(path: Path, overview: Overview) -> Path:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fakebench_suite.report.browser"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("index.html").render(overview=overview, policy=POLICY)
    # Half a surrogate pair, which UTF-8 cannot carry, becomes a reference and shows as U+FFFD.
    path.write_bytes(page.encode("utf-8", "xmlcharrefreplace"))
    return path
