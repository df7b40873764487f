"""Tests of whole run directories."""
