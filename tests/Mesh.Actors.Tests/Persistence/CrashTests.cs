using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests.Persistence;

/// <summary>The power fails at every instant of a run: what was acknowledged is there, and nothing is there by half.</summary>
public sealed class CrashTests
{
    private static readonly object[] Commands = [new Add(1), new AddAll(2, 3, 4), new Add(5), "snapshot", new AddAll(6, 7), new Add(8), "snapshot", new Add(9)];

    // What may have been written so far: the commands, each wholly or not at all.
    private static readonly int[] Boundaries = [0, 1, 4, 5, 7, 8, 9];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_was_acknowledged_is_recovered_whenever_the_power_fails(ulong seed)
    {
        foreach (long instant in Instants())
        {
            var disk = new SimulatedDisk();
            var kit = new ActorTestKit(schema: Ledger.Schema, disk: disk);
            TestProbe probe = Run(kit);
            kit.Loop.RunUntil(new TimeSpan(instant));
            int acknowledged = probe.ReceiveAll().Cast<Acknowledged>().Select(a => a.Amount).DefaultIfEmpty().Max();
            disk.Crash(kit.Now, new DeterministicRandom(seed + (ulong)instant));

            int[] recovered = Recover(disk);
            Assert.Equal(Enumerable.Range(1, recovered.Length), recovered);
            Assert.True(recovered.Length >= acknowledged, $"{acknowledged} was acknowledged by {kit.Now}, and {recovered.Length} events were recovered");
            Assert.Contains(recovered.Length, Boundaries);

            // and the next power failure comes at once
            Assert.Equal(0, disk.Crash(TimeSpan.Zero, new DeterministicRandom(seed)));
            Assert.Equal(recovered, Recover(disk));
        }
    }

    [Fact]
    public void An_append_under_way_survives_in_some_worlds_and_is_lost_in_others()
    {
        var counts = new HashSet<int>();
        for (ulong seed = 1; seed <= 32; seed++)
        {
            var disk = new SimulatedDisk();
            var kit = new ActorTestKit(schema: Ledger.Schema, disk: disk);
            ActorRef ledger = kit.ActorOf(Ledger.Props());
            ledger.Tell(new AddAll(1, 2, 3));
            kit.Advance(Milliseconds(2));
            int lost = disk.Crash(kit.Now, new DeterministicRandom(seed));
            Assert.Equal(3 - lost, disk.CountOf("ledger"));
            counts.Add(lost);
        }

        Assert.Equal([0, 3], counts.Order());
    }

    [Theory]
    [InlineData(9, false, false)]   // the program dies while the disk holds it in its cache
    [InlineData(9, true, true)]     // the power fails then
    [InlineData(11, true, false)]   // or later
    public void A_disk_that_lies_loses_with_its_power_what_it_has_reported_as_written(int seconds, bool isPowerLost, bool isLost)
    {
        var counts = new HashSet<int>();
        for (ulong seed = 1; seed <= 32; seed++)
        {
            var disk = new SimulatedDisk();
            Assert.Equal(1, AcknowledgedByLyingDisk(disk, Seconds(seconds)));
            int lost = disk.Crash(Seconds(seconds), new DeterministicRandom(seed), isPowerLost);
            Assert.Equal(1 - lost, disk.CountOf("ledger"));
            counts.Add(lost);
        }

        Assert.Equal(isLost ? [0, 1] : [0], counts.Order());
    }

    [Fact]
    public void What_is_in_the_cache_when_the_program_dies_is_still_there_for_the_rest_of_its_time()
    {
        int LostAfter(int seconds) => Enumerable.Range(1, 32).Count(seed =>
        {
            var disk = new SimulatedDisk();
            AcknowledgedByLyingDisk(disk, Seconds(6));
            Assert.Equal(0, disk.Crash(Seconds(6), new DeterministicRandom((ulong)seed)));
            return disk.Crash(Seconds(seconds), new DeterministicRandom((ulong)seed), isPowerLost: true) > 0;
        });
        Assert.InRange(LostAfter(4), 1, 31);
        Assert.Equal(0, LostAfter(5));
    }

    [Fact]
    public void A_snapshot_in_the_cache_of_a_lying_disk_goes_with_the_power_and_the_events_are_played_from_the_beginning()
    {
        var disk = new SimulatedDisk();
        var kit = new ActorTestKit(schema: Ledger.Schema, disk: disk);
        ActorRef ledger = kit.ActorOf(Ledger.Props());
        ledger.Tell(new Add(1));
        kit.Advance(Milliseconds(10));
        kit.Journal.CacheTime = Seconds(10);
        ledger.Tell((Action<Ledger>)(l => l.TakeSnapshot()));
        kit.Advance(Seconds(1));
        disk.Crash(kit.Now, new DeterministicRandom(1), isPowerLost: true);
        SnapshotOffer? offer = null;
        var next = new ActorTestKit(schema: Ledger.Schema, disk: disk);
        next.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => offer = m as SnapshotOffer ?? offer }));
        next.Advance(Seconds(1));
        Assert.Null(offer);
        Assert.Equal([1], Recover(disk));
    }

    // One event, which the disk has for ten seconds in its cache.
    private static int AcknowledgedByLyingDisk(SimulatedDisk disk, TimeSpan now)
    {
        var kit = new ActorTestKit(schema: Ledger.Schema, disk: disk);
        kit.Journal.CacheTime = Seconds(10);
        TestProbe probe = kit.CreateProbe();
        probe.Send(kit.ActorOf(Ledger.Props()), new Add(1));
        kit.Advance(now);
        return probe.ReceiveAll().OfType<Acknowledged>().Count();
    }

    [Fact]
    public void A_snapshot_under_way_is_lost_and_the_one_before_it_kept()
    {
        var disk = new SimulatedDisk();
        var kit = new ActorTestKit(schema: Ledger.Schema, disk: disk);
        ActorRef ledger = kit.ActorOf(Ledger.Props());
        ledger.Tell(new Add(1));
        kit.Advance(Milliseconds(10));
        ledger.Tell((Action<Ledger>)(l => l.TakeSnapshot()));
        kit.Advance(Milliseconds(10));
        ledger.Tell(new Add(2));
        kit.Advance(Milliseconds(10));
        ledger.Tell((Action<Ledger>)(l =>
        {
            l.TakeSnapshot();
            l.TakeSnapshot();   // neither is on the disk yet
        }));
        kit.Settle();
        disk.Crash(kit.Now, new DeterministicRandom(1));
        SnapshotOffer? offer = null;
        var next = new ActorTestKit(schema: Ledger.Schema, disk: disk);
        next.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => offer = m as SnapshotOffer ?? offer }));
        next.Advance(Seconds(1));
        Assert.Equal(1, offer?.SequenceNr);
        Assert.Equal([1, 2], Recover(disk));
    }

    [Fact]
    public void What_an_orderly_shutdown_left_survives_a_crash_of_the_next_machine()
    {
        var disk = new SimulatedDisk();
        var kit = new ActorTestKit(schema: Ledger.Schema, disk: disk);
        kit.Advance(Seconds(100));
        kit.ActorOf(Ledger.Props()).Tell(new AddAll(1, 2));
        kit.Advance(Seconds(1));
        disk.Sync();
        Assert.Equal(0, disk.Crash(TimeSpan.Zero, new DeterministicRandom(1)));
        Assert.Equal([1, 2], Recover(disk));
        Assert.Equal(["ledger"], disk.Streams);
    }

    // Every instant at which something happens, the tick before and the tick after it, and the time in between.
    private static long[] Instants()
    {
        var kit = new ActorTestKit(schema: Ledger.Schema);
        _ = Run(kit);
        var instants = new SortedSet<long> { 0 };
        while (kit.Loop.NextDeadline is { } next)
        {
            instants.UnionWith([(kit.Now.Ticks + next.Ticks) / 2, next.Ticks - 1, next.Ticks, next.Ticks + 1]);
            kit.Loop.RunUntil(next);
        }

        Assert.True(instants.Count > 25, $"only {instants.Count} instants");
        return [.. instants];
    }

    private static TestProbe Run(ActorTestKit kit)
    {
        TestProbe probe = kit.CreateProbe();
        ActorRef ledger = kit.ActorOf(Ledger.Props());
        foreach (object command in Commands)
            ledger.Tell(command is "snapshot" ? (Action<Ledger>)(l => l.TakeSnapshot()) : command, probe.Ref);
        kit.Settle();
        return probe;
    }

    private static int[] Recover(SimulatedDisk disk)
    {
        var kit = new ActorTestKit(schema: Ledger.Schema, disk: disk);
        TestProbe probe = kit.CreateProbe();
        kit.ActorOf(Ledger.Props()).Tell(Ledger.Query, probe.Ref);
        return probe.ExpectMsg<int[]>();
    }
}
