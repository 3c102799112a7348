"""What a worker does in pieces beside its syncs: erasing people and what nobody holds, and writing old rows anew."""

import time

from connections.operating.erasing import erase_a_piece
from connections.operating.erasing_people import erase_people_a_piece
from connections.operating.filling import fill_a_piece
from connections.operating.rewriting import rewrite_a_piece
from connections.operating.sizing import size_a_piece

REST = 5.0  # Seconds between two looks that find nothing: there is seldom anything to do.


class InPieces:
    """One piece a look, as long as there are some."""

    def __init__(self) -> None:
        self.rests_until = 0.0

    def look(self) -> None:
        if time.monotonic() < self.rests_until:
            return
        found = erase_people_a_piece() or erase_a_piece() or rewrite_a_piece() or size_a_piece() or fill_a_piece()
        if not found:
            self.rests_until = time.monotonic() + REST
