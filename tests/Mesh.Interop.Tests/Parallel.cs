// Most of the time these tests wait for timers of real daemons, so more of them run at once than there are processors.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
