"""Does the product name the true cause of a fault? Networks with one fault each, a question, and a judge.

    python tests/faults [FILE.py ...] [ID ...] [--json OUT] [--share 0.95] [--jobs 2] [-v]     (make faults)
    python tests/faults --prove [ID ...]
    python tests/faults --pages [--read RUN.json]                 (make causes)

A case is played in a fresh rootless lab, in a process of its own: its scenario, if it names one, then its lines, one
bash a line. Then `lab.walk(src, dst, **how)` and, where the case has a claim, `lab.check(claim)` are asked, and each
answer is scored:

    named    the cause is told so that a learner can act on it: one word of every group in `words` is there, and
             the answer says yes or no as `ok` expects
    unsure   the cause is not told, and nothing misleading is
    misled   the cause is not told, and success is said where there is none, or none where there is, or something
             innocent is blamed: a word of `never`
    crash    an exception, or the process ended
    hang     no answer within LIMIT seconds

A case counts by the worse of its two answers. An answer that says no may offer a `fix`: lines as typed on master, or
a sequence of such texts to choose from. Each is typed in the broken lab, and scored:

    fix-mends    the probe of the case is answered now, and everything that was reachable before still is
    fix-no-help  it is not answered
    fix-harms    something that was reachable is no longer, or more rules of a firewall are gone than lines were typed
    no-fix       the answer says no and offers nothing

Where netfilter is the cause, `netfilter` of the case says how family, table, chain, and rule or policy are called. The
report counts the cases whose answers name all four, and those whose noes bring a typed `cause` and `evidence`. The exit
code is 0 when no case is misled, crashes or hangs, no fix harms, and the shares of named cases and of fixes that mend
are large enough.

`--prove` asks the kernel whether the cases are true, and the product nothing: a case's probe is not answered; its
`mend` is typed; the probe is answered. A case with ok=True is answered from the beginning.

`--pages` writes docs/causes.md and the sums in docs/walks.md, from a run of now or, with `--read`, from one that
`--json` has written. `misses.py` has the reasons of those that are not named.

To add a case, append it to a file in `cases`, or give a file of your own whose CASES are cases, or dicts of their
fields. `case.py` says what the fields mean.

1. Play the lines by hand in a lab; see that the ping fails, and prove the cause: undo it alone, and the ping works.
   Write what undoes it as `mend`, and let `--prove` do the same.
2. `words`: a group for what is wrong, one for where. In a group stand all ways to say it. Case does not matter; a
   word is matched whole, `drop*` also with any ending. Take words that no sentence holds by accident. The case's
   own `cause` must hold them: the runner refuses a case that asks for more than that.
3. `never`: what a wrong guess would blame. It counts only where the cause is not named.
4. A network that works has ok=True; its words say which namespace answered. ok=None: both are right.
5. Run it with -v and read the sentences: is the score what a fair teacher would give?
"""
