"""Gateway to archive: `momentum-kit data download`, resumable."""
