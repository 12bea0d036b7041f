"""What any run needs: errors and exit codes, settings, time, signals, logging, redaction."""

VERSION = "2.0.0"
