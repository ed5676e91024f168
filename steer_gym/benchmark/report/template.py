"""The frame of a report's page."""

from collections.abc import Collection
from string import Template

STYLE = """
:root { --ink: #1c2430; --soft: #5b6675; --line: #e4e8ee; --ground: #f7f8fa; color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 48px 24px 80px; }
h1 { font-size: 34px; line-height: 1.15; letter-spacing: -.02em; margin: 0 0 12px; }
h2 { font-size: 20px; margin: 52px 0 14px; }
p { color: var(--soft); max-width: 82ch; }
section { background: #fff; border: 1px solid var(--line); border-radius: 12px; }
.lead { font-size: 21px; line-height: 1.4; color: var(--ink); margin: 0 0 18px; }
ul { list-style: none; padding: 0; margin: 0; display: grid; gap: 12px; }
li { background: #fff; border: 1px solid var(--line); border-left: 5px solid var(--c);
  border-radius: 10px; padding: 12px 16px; }
li h3 { margin: 0; font-size: 17px; font-weight: 600; }
li b, tbody th, figcaption b { color: var(--c); }
li p { font-size: 14.5px; max-width: none; margin: 4px 0 0; }
li p.caution { color: #9a4a08; }
li p.caution::before { content: "But: "; font-weight: 600; }
.films { display: grid; grid-template-columns: repeat(auto-fill, minmax(265px, 1fr)); gap: 14px; }
figure { margin: 0; background: #fff; border: 1px solid var(--line); border-radius: 10px;
  border-top: 4px solid var(--c); overflow: hidden; }
video { display: block; cursor: pointer; width: 100%; background: #fff; }
figcaption { padding: 8px 12px 12px; font-size: 13.5px; line-height: 1.4; color: var(--soft); }
figcaption b { font-size: 15px; }
button { font: inherit; font-size: 14px; border: 1px solid var(--line); background: #fff;
  border-radius: 8px; padding: 4px 14px; margin-left: 10px; cursor: pointer; }
img { display: block; width: 100%; background: #fff; border: 1px solid var(--line);
  border-radius: 12px; padding: 14px; margin-bottom: 14px; }
section { overflow-x: auto; padding: 4px 12px; margin-bottom: 14px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: 13.5px; }
th, td { padding: 7px 7px; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; line-height: 1.25; }
tbody th, th:first-child { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
tbody a { color: inherit; text-decoration: none; }
tbody a:hover { text-decoration: underline; }
tr.muted td { color: var(--soft); padding-top: 0; }
tbody tr:has(+ tr.muted) > * { border-bottom: 0; padding-bottom: 2px; }
details { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 8px 14px;
  margin-bottom: 8px; overflow-x: auto; }
summary { cursor: pointer; color: var(--c); font-weight: 600; }
.rows td { text-align: left; font-size: 12.5px; padding: 3px 10px; }
.note { font-size: 13.5px; margin: 4px 0 10px; }
small { color: #8a94a3; font-size: 12px; }
footer { margin-top: 52px; font-size: 13px; color: #8a94a3; overflow-wrap: anywhere; }
"""

CONTROLS = {
    "random": "random neurons of the same layers, as many",
    "zero": "a dose of nothing",
    "sham": "the baseline once more",
    "prompt": "the same request in words",
}
"""What stands beside steering, by the kind of condition."""
ANSWERING = (
    "Random neurons answer for the measures that the concept they control should change; where a "
    "concept has none for its own measure, its verdict says so."
)

ABOUT = Template(
    """
<p>A vision-language-action policy has feed-forward neurons that once served words. Some still mean
something: here the activations of a few are set or shifted at run time (equation 2 of Häon et al.,
CoRL 2025); the weights are left alone. $controls</p>
<p><b>Pairs.</b> Every difference is taken within one task and initial state, over all episodes that
ended, solved or not; crashes are left out and counted. <b>Intervals</b> hold 95 %: Student's over
tasks where there are several, else over pairs, so they speak of further tasks like these. That is
for differences, those of success too; a rate of success by itself has Wilson's, other means have a
bootstrap's over tasks and episodes (in answers.csv differences have that as well).
<b>p</b> is the share of all ways to swap the episodes of pairs that give as much: it says whether
anything changed in these tasks. Holm and max-T correct it for all that was asked of steering and
words; the verdict goes by max-T, as does the test against random neurons. Where those were run, a
concept does what its name says only if it goes further than they do, by that test. Controls are
tested one by one. <b>d</b> is the mean difference over its standard deviation, with Hedges'
correction.</p>
<p><b>Full and equal length.</b> Whoever is done earlier has no slow end. Equal length compares only
the first steps, as many as both episodes of a pair have.</p>
<p><b>commanded</b> is the mean length of the commanded translation, the paper's measure; the arm
need not follow it. <b>speed</b> and heights are measured at the tool; <b>carried height</b> is the
greatest height while the gripper is commanded to close. <b>invalid tokens</b> are generated tokens
that are no actions; <b>saturated</b> is the share of steps at full deflection.</p>
<p><b>Where a number comes from.</b> Beside this page, numbers.csv holds every mean and difference
and answers.csv every test, each with the keys of its rows; a key names the row in episodes.jsonl,
the steps and the film of one episode.</p>
"""
)


def about(kinds: Collection[str]) -> str:
    """Return how to read a report whose conditions are of these kinds."""
    run = [words for kind, words in CONTROLS.items() if kind in kinds]
    if not run:
        controls = "There are no controls here: other neurons, or none, might do the same."
    else:
        controls = f"The controls here: {'; '.join(run)}. {ANSWERING if 'random' in kinds else ''}"
    return ABOUT.substitute(controls=controls)


PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>steer_gym: $title</title>
<link rel="icon" href="data:,">
<style>"""
    + STYLE
    + """</style>
</head>
<body>
<main>
<h1>$title</h1>
$studies
<h2>How to read this</h2>
$about
<footer>$provenance</footer>
</main>
</body>
</html>
"""
)
