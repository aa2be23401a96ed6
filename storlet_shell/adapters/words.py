"""Texts of the front ends: the shell's own words, and the pages on how lines are written."""

from __future__ import annotations

OWN_WORDS = {
    "alias": "Give a line a short name.",
    "exit": "Exit the shell (or press Ctrl-D).",
    "expect": "Check how a line ends: expect STATUS [--expect-text TEXT] LINE.",
    "history": "Show, repeat or clear what was typed.",
    "quit": "Same as exit.",
    "run_script": "Run a command file in this shell; @FILE does too.",
    "set": "Show or change the shell's preferences.",
    "shell": "Run a line with sh; !LINE does too.",
    "shortcuts": "List the one-character shortcuts.",
    "syntax": "(help syntax) How lines are written: quotes, pipes, heredocs.",
}
"""The words of the interactive shell, with a sentence for each."""

SYNTAX = """\
Words are quoted as in sh: 'single', "double", or a backslash before the
character. ~, * and $NAME stand for themselves.

  ls photos > list.txt       the output goes to a file; >> adds to it
  get photos/a.jpg | less    ... or to a shell command line
  put - photos/c < c.txt     standard input comes from a file
  upload photos/b <<EOF      a body: the lines up to EOF, exactly as they are
  !ls -l                     runs a line in sh
  @FILE, ?NAME               run_script FILE, help NAME
  # ...                      a comment, at the start of a word

A line continues after a backslash at its end, or inside an open quote.
Ctrl-C stops the running command; Ctrl-D exits.
-o NAME stores a result, vars shows it, -i NAME uses a stored dict as a
storlet's parameters.
A line that starts with a space is not kept in the history.

In command files ${NAME} stands for a definition (-D NAME=VALUE) or a variable
of the environment, ${1} for an argument, except in single quotes and heredocs;
$${NAME} stands for a literal ${NAME}. After -o w, ${w.text} is the result,
and ${w.status}, ${w.headers.ETag} and so on are fields that --json shows.
Typed lines aren't expanded: pass definitions to a file with
@FILE -D NAME=VALUE.

expect 4 LINE succeeds if LINE ends with status 4. With --expect-text TEXT in
front of LINE, TEXT must also be in its result or its message."""
"""How lines are written in the shell and in command files, for people."""

ONE_SHOT_SYNTAX = """\
When you type storlet-shell COMMAND … in a terminal, your own shell handles
quotes, pipes, and variables. A body (upload, deploy) is read from standard
input, and results go to standard output.

  storlet-shell get photos/a.jpg --storlet thumbnail.py > a.jpg
  storlet-shell upload photos/b < b.txt

The lines of the interactive shell, of command files (-f FILE) and of -c LINE
are written like this:"""
"""How one-shot lines are written, in front of :data:`SYNTAX`."""

NOTEBOOK_SYNTAX = """\
Words are quoted as in sh: 'single', "double", or a backslash before the character.

  %get photos/a.jpg            a command is a magic
  %sls  %storlet ls            ... also where IPython has a magic of that name
  %%upload photos/b            a body: the rest of the cell, exactly as it is
  x = %get photos/a.jpg        the value of the line is its result
  %get x << photos/a.jpg       the result is stored under a name, as by -o x, and not shown
  %get {name}  %get $name      the value of a variable, in any quotes, as one word; {name.attribute} too
  %get {{name}}  %get $$name   the text itself
  %get c/o --storlet s.py -i parameters    a storlet's parameters from a dict
  %get photos/a.jpg;           the value is not shown; # begins a comment
  %get?                        a command's help

In a function, names are the function's. An unknown one in braces or after a
dollar is an error; what can't be a name, as {"a": 1} or $5, stays as it is."""
"""How magics are written."""
