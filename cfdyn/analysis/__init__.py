"""What a map does: one file, one public function and its record. Nothing here ever sees a Loss."""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
