"""How well `keepgate check` sees: recall and false alarms per source, with intervals, evasion and latency."""
