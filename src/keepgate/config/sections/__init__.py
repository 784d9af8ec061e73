"""What the configuration file may say, one file for each of its sections."""
