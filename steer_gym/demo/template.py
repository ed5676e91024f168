"""The frame of the demo's page."""

from string import Template

STYLE = """
:root { --ink: #1c2430; --soft: #5b6675; --line: #e4e8ee; --ground: #f7f8fa; color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 48px 24px 80px; }
h1 { font-size: 34px; line-height: 1.15; letter-spacing: -.02em; margin: 0 0 12px; }
h2 { font-size: 20px; margin: 52px 0 14px; }
p, li span { color: var(--soft); max-width: 78ch; }
section, .card { background: #fff; border: 1px solid var(--line); border-radius: 12px; }
ul { list-style: none; padding: 0; margin: 0; display: grid; gap: 12px; }
li { background: #fff; border: 1px solid var(--line); border-left: 5px solid var(--c);
  border-radius: 10px; padding: 12px 16px; }
li b, tbody th, figcaption b { color: var(--c); }
li span { font-size: 14.5px; }
.films { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 14px; }
figure { margin: 0; background: #fff; border: 1px solid var(--line); border-radius: 10px;
  border-top: 4px solid var(--c); overflow: hidden; }
video { display: block; width: 100%; aspect-ratio: 1; background: #000; }
figcaption { padding: 8px 12px 12px; font-size: 13.5px; line-height: 1.4; color: var(--soft); }
figcaption b { font-size: 15px; }
button { font: inherit; font-size: 14px; border: 1px solid var(--line); background: #fff;
  border-radius: 8px; padding: 4px 14px; margin-left: 10px; cursor: pointer; }
img { display: block; width: 100%; background: #fff; border: 1px solid var(--line);
  border-radius: 12px; padding: 14px; margin-bottom: 14px; }
section { overflow-x: auto; padding: 4px 12px; margin-bottom: 14px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: 14px; }
th, td { padding: 8px 10px; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; line-height: 1.25; }
tbody th, th:first-child { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
small { color: #8a94a3; font-size: 12px; }
footer { margin-top: 52px; font-size: 13px; color: #8a94a3; overflow-wrap: anywhere; }
"""

ABOUT = """
<p>A vision-language-action policy writes its actions as tokens, with the same feed-forward neurons
that once served words. Some of them still mean something: here the activations of a few are
overridden at run time (equation 2 of Häon et al., CoRL 2025); the weights are left alone. Random
neurons of the same layers, as many, and the same request in words are the controls.</p>
<p><b>commanded</b> is the mean length of the commanded translation, the paper's measure; the arm
need not follow it. <b>speed</b> and the heights are measured at the tool. <b>carried height</b> is
the greatest height while the gripper is commanded to close. <b>invalid tokens</b> are generated
tokens that are no actions. <b>saturated</b> is the share of steps at full deflection. Means are
over all episodes that ended, solved or not; differences are paired over task and initial state.
Brackets hold 95 % intervals: Wilson's for success, else a bootstrap over episodes or pairs.</p>
"""

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>steer_gym: $policy, steered</title>
<link rel="icon" href="data:,">
<style>"""
    + STYLE
    + """</style>
</head>
<body>
<main>
<h1>$policy, steered by its neurons</h1>
<p>$scope</p>
<h2>What happened</h2>
<ul>
$findings
</ul>
<h2>One initial state, every condition <button type="button" onclick="
for (const v of document.querySelectorAll('video')) { v.currentTime = 0; v.play(); }
">start all together</button></h2>
<div class="films">
$films
</div>
<h2>The same episodes over time</h2>
$traces
<h2>All episodes, in pairs</h2>
$differences
<h2>Means</h2>
<section>$means</section>
<h2>Differences to $baseline</h2>
<section>$paired</section>
<h2>How to read this</h2>
$about
<footer>$provenance</footer>
</main>
</body>
</html>
"""
)
