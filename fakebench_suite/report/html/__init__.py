"""A run as pages a browser opens from the file system: overview, and every record."""

from fakebench_suite.report.html.page import write_html_report
from fakebench_suite.report.html.run_data import ReportBaseline
from fakebench_suite.report.thumbnails import DatasetImages, ImageSource

__all__ = ["DatasetImages", "ImageSource", "ReportBaseline", "write_html_report"]
