"""Run directories: manifest, records, results, coverage and differences."""
