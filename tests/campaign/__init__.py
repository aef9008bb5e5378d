"""Mangles every kind of file that is read, and looks at what the commands make of it.

    python -m tests.campaign [--minutes N] [--only KIND] [--seed N]
    python -m tests.campaign --replay FILE...

    kinds           the kinds of files, with their seeds, mutators and commands
    pictures, states, networks      the seeds: small files that commands take
    raw             mutators that know bytes only
    layouts         mutators that know the layout of picture formats
    values          mutators of JSON values and of TOML
    containers      mutators of archives and models, which keep digests and CRCs right
    case            one mangled file and its command line; draws and saves them
    stage           the folder that commands run in, and what they leave there
    child           a command in a forked process, under limits
    verdict         what an outcome must be
    shrink          makes a finding small
    seeds/          findings that were mended, which are tried again by the tests

A run is repeated by its seed. A finding is saved as JSON in `findings/`, and tells how
it is replayed; once it is mended it moves to `seeds/`.
"""
