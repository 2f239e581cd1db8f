"""What Jupyter shows of the kit: the kit itself, its tables, its panel, the flight log and the timeline."""
