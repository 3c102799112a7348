"""How the sandbox answers: from a call on a socket to bytes on the wire, with a limit, keys and faults."""
