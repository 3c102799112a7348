"""What a worker does in pieces beside its syncs: erasing people and what nobody holds, and writing old rows anew."""

import time

from connections.operating.erasing import erase_a_piece
from connections.operating.erasing_people import erase_people_a_piece
from connections.operating.filling import fill_a_piece
from connections.operating.rewriting import rewrite_a_piece
from connections.operating.sizing import size_a_piece

REST = 5.0  # Seconds between two looks that find nothing: there is seldom anything to do.
# A piece of the first that has some.
WORKS = (erase_people_a_piece, erase_a_piece, rewrite_a_piece, size_a_piece, fill_a_piece)


class InPieces:
    """One piece a look, as long as there are some."""

    def __init__(self) -> None:
        self.rests_until = 0.0

    def look(self) -> None:
        if time.monotonic() < self.rests_until:
            return
        if not any(do_some() for do_some in WORKS):
            self.rests_until = time.monotonic() + REST
