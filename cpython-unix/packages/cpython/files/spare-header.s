# A note that nobody reads.  As it is aligned unlike other notes, the linker gives it a program header of its own.  BOLT takes
# the header that says that the stack is not executable for its new code; this one then takes that one's place.
    .section .note.pythonbuild, "a", @note
    .balign 8
    .long 12, 0, 1
    .asciz "pythonbuild"
    .section .note.GNU-stack, "", @progbits
