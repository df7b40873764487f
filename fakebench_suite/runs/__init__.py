"""Whole run directories: closed at their end, merged from shards, compared with each other."""
