"""`make compare`: the sandbox as another reader sees it, a public connector, and its rows beside ours."""
