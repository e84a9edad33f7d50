"""Test terminals and windows: curses, line editing, Tcl and Tk."""

import os
import pathlib
import sys
import unittest

from harness import ARGUMENTS, PREFIX, PYTHON, InDirectory, clean_environment, needs_utf8_locale, run, talk


class Terminal(InDirectory):
    @needs_utf8_locale
    def test_curses(self):
        script = self.directory / "script.py"
        script.write_text(
            "import curses, curses.panel, os, sys\n"
            "curses.setupterm()\n"
            "assert curses.tigetnum('colors') >= 8, curses.tigetnum('colors')\n"
            "def main(screen):\n"
            "    curses.start_color()\n"
            "    window = curses.newwin(3, 20, 1, 1)\n"
            "    window.box(); window.addstr(1, 1, 'gr\u00fc\u00df dich')\n"
            "    panel = curses.panel.new_panel(window)\n"
            "    curses.panel.update_panels(); curses.doupdate()\n"
            "    key = screen.getch()\n"
            "    assert key == curses.KEY_UP, key\n"
            "curses.wrapper(main)\n"
            "print('finished')\n",
            encoding="utf-8",
        )
        for terminal in ("xterm-256color", "linux", "vt100"):
            with self.subTest(terminal):
                steps = [("\u00df dich".encode(), b"\x1b[A" if terminal == "linux" else b"\x1bOA")]
                language = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
                program = [PYTHON, str(script)]
                if terminal == "vt100":
                    script.write_text(
                        script.read_text(encoding="utf-8")
                        .replace(">= 8", ">= -1")
                        .replace("    curses.start_color()\n", ""),
                        encoding="utf-8",
                    )
                    steps = [("\u00df dich".encode(), b"\x1bOA")]
                seen = talk(program, steps, {**language, "TERM": terminal})
                self.assertIn(b"finished", seen)

    def test_curses_without_descriptions(self):
        """Common terminals are built in, because some systems have no terminfo."""
        program = "import curses; curses.setupterm('xterm-256color'); print(curses.tigetnum('colors'))"
        nowhere = str(self.directory)
        text = run(PYTHON, "-c", program, env=clean_environment(TERMINFO=nowhere, TERMINFO_DIRS=nowhere, HOME=nowhere))
        self.assertEqual(text.strip(), "256")

    def test_line_editing(self):
        import readline

        self.assertIn("libedit", readline.__doc__ or "")
        steps = [
            (b">>> ", b"print('first', 6 * 7)\r"),
            (b"first 42", b""),
            (b">>> ", b"pass\r"),
            # Press the up arrow twice, then edit the end of the recalled line.
            (b">>> ", b"\x1b[A\x1b[A"),
            (b"6 * 7)", b"\x1b[D, 'again'\r"),
            (b"first 42 again", b""),
            (b">>> ", b"import readline; print('length', readline.get_current_history_length() > 2)\r"),
            (b"length True", b""),
            (b">>> ", b"raise SystemExit\r"),
        ]
        home = {"HOME": str(self.directory), "PYTHON_BASIC_REPL": "1"}
        talk([PYTHON], steps, home)

    def test_completion(self):
        steps = [
            (b">>> ", b"import rlcompleter, readline; readline.parse_and_bind('bind ^I rl_complete')\r"),
            (b">>> ", b"memoryvi\t"),
            # The editor moves the cursor over the existing text and writes the rest.
            (b"ew(", b"\x15raise SystemExit\r"),
        ]
        talk([PYTHON], steps, {"HOME": str(self.directory), "PYTHON_BASIC_REPL": "1"})

    @unittest.skipIf(sys.version_info < (3, 13), "since 3.13")
    def test_new_prompt(self):
        steps = [
            (b">>> ", b"print('first', 6 * 7)\r"),
            (b"first 42", b""),
            (b">>> ", b"\x1bOA"),
            (b"7", b"\r"),
            (b"first 42", b""),
            (b">>> ", b"exit\r"),
        ]
        talk([PYTHON], steps, {"HOME": str(self.directory)})


class Window(unittest.TestCase):
    def test_tcl(self):
        import tkinter

        tcl = tkinter.Tcl()
        where = pathlib.Path(tcl.eval("info library")).resolve()
        self.assertIn(PREFIX.resolve(), where.parents)
        self.assertEqual(tcl.eval("clock format 0 -gmt 1 -format %Y"), "1970")
        self.assertEqual(tcl.eval("encoding convertto iso8859-15 A"), "A")

    def test_window(self):
        if not os.environ.get("DISPLAY"):
            if ARGUMENTS.require_display:
                self.fail("DISPLAY is not set")
            self.skipTest("DISPLAY is not set")
        import tkinter
        import tkinter.ttk

        root = tkinter.Tk()
        try:
            pressed = []
            button = tkinter.ttk.Button(root, text="gr\u00fc\u00df dich", command=lambda: pressed.append(1))
            button.pack()
            canvas = tkinter.Canvas(root, width=50, height=50)
            canvas.create_oval(5, 5, 45, 45, fill="red")
            canvas.pack()
            root.update()
            button.invoke()
            self.assertEqual(pressed, [1])
            self.assertGreater(button.winfo_width(), 10)
            self.assertIn(PREFIX.resolve(), pathlib.Path(root.eval("set tk_library")).resolve().parents)
        finally:
            root.destroy()
