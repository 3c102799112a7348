"""Badges and chips: what was rendered for one word never stands for another."""

from connections.templatetags.drawn import health_badge, privacy_chip


def test_a_badge_has_its_own_word_and_colour() -> None:
    assert "badge-good" in health_badge("healthy", "Healthy") and "Healthy" in health_badge("healthy", "Healthy")
    assert "badge-bad" in health_badge("action_needed", "Action needed")
    assert health_badge("healthy", "Healthy") == health_badge("healthy", "Healthy")


def test_a_teams_name_is_text_in_its_chip() -> None:
    assert "&lt;b&gt;Growth&lt;/b&gt;" in privacy_chip("team", "<b>Growth</b>")
    assert "Sales" in privacy_chip("team", "Sales") and "Growth" not in privacy_chip("team", "Sales")
