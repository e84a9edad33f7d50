# A note that nothing reads.  Its alignment differs from other notes, so the linker gives it a program header of its own.  For its new
# code, BOLT takes the header that makes the stack not executable.  bolt.sh.j2 then turns the note's header into that one.
    .section .note.pythonbuild, "a", @note
    .balign 8
    .long 12, 0, 1
    .asciz "pythonbuild"
    .section .note.GNU-stack, "", @progbits
