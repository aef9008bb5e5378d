"""Many runs: batches, sheets, watched folders, pools of processes."""
