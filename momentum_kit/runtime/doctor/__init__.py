"""`momentum-kit doctor`: whether this machine, this configuration and this gateway are ready."""
