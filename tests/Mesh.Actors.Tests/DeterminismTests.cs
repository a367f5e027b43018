using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests;

/// <summary>Random programs of actors that spawn, tell, time, persist, throw, watch and stop: the same seed does the same things.</summary>
public sealed class DeterminismTests
{
    private static readonly TimeSpan Length = Seconds(20);

    public static TheoryData<int> Blocks => [.. Enumerable.Range(0, 10)];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void The_same_seed_gives_the_same_digest_in_whatever_steps_time_passes(int block)
    {
        for (int i = 0; i < 10; i++)
        {
            ulong seed = (ulong)((block * 10) + i + 1);
            (Outcome whole, int kinds) = Run(seed, seed, (kit, end) => kit.Loop.RunUntil(end));
            (Outcome again, _) = Run(seed, seed, (kit, end) => kit.Loop.RunUntil(end));
            Assert.True(whole == again, $"seed {seed}: {whole} and {again}");

            var steps = new DeterministicRandom(seed);
            (Outcome stepped, _) = Run(seed, seed, (kit, end) =>
            {
                while (kit.Now < end)
                    kit.Loop.RunUntil(TimeSpan.FromTicks(Math.Min(end.Ticks, kit.Now.Ticks + steps.Next(1, 3_000_000))));
            });
            Assert.True(whole == stepped, $"seed {seed} in steps: {whole} and {stepped}");

            (Outcome single, _) = Run(seed, seed, (kit, end) =>
            {
                // As a driver does it: a few messages at a time, timers one by one.
                do
                {
                    while (kit.Loop.HasReady)
                        kit.Loop.RunReady(steps.Next(1, 5));
                }
                while (kit.Loop.FireNext(end));
                kit.Loop.AdvanceClock(end);
            });
            Assert.True(whole == single, $"seed {seed} message by message: {whole} and {single}");

            (Outcome other, _) = Run(seed, seed + 1_000, (kit, end) => kit.Loop.RunUntil(end));
            Assert.True(whole.Digest != other.Digest, $"seeds {seed} and {seed + 1_000} have the same digest");
            Assert.True(whole.Delivered > 50, $"seed {seed}: the program did next to nothing: {whole}");
            Assert.True(kinds >= 4, $"seed {seed}: only {kinds} kinds of things happened");
        }
    }

    [Fact]
    public void A_note_changes_the_digest()
    {
        var one = new ActorTestKit();
        var other = new ActorTestKit();
        Assert.Equal(one.Loop.Digest, other.Loop.Digest);
        one.Do(one.ActorOf(Scripted.Props()), s => s.Surroundings.Note(1));
        other.Do(other.ActorOf(Scripted.Props()), s => s.Surroundings.Note(2));
        Assert.NotEqual(one.Loop.Digest, other.Loop.Digest);
    }

    [Fact]
    public void Time_and_receiver_and_type_of_a_message_are_in_the_digest()
    {
        ulong[] digests = [Digest("x", 0, 1), Digest("x", 0, 2), Digest("x", 1, 1), Digest(1, 0, 1)];
        Assert.Equal(4, digests.Distinct().Count());
        Assert.Equal(digests[0], Digest("y", 0, 1));   // of a message only the type is, unless the actor notes more

        static ulong Digest(object message, int receiver, double delay)
        {
            var kit = new ActorTestKit();
            ActorRef[] actors = [kit.ActorOf(Scripted.Props()), kit.ActorOf(Scripted.Props())];
            kit.Loop.ScheduleTell(Milliseconds(delay), actors[receiver], message);
            kit.Advance(Seconds(1));
            return kit.Loop.Digest.Value;
        }
    }

    private static (Outcome Outcome, int Kinds) Run(ulong program, ulong seed, Action<ActorTestKit, TimeSpan> run)
    {
        var kit = new ActorTestKit(seed, new EventSchema().Add<Happened>("happened"));
        var world = new World(kit, program);
        for (int i = 0; i < 3; i++)
            world.Spawn(name => kit.System.ActorOf(name));
        run(kit, Length);
        return (new Outcome(kit.Loop.Digest, kit.Loop.Delivered, kit.System.DeadLetterCount, kit.System.FailureCount, kit.Loop.ArmedTimerCount, kit.Disk.Streams.Sum(kit.Disk.CountOf), world.Trace), world.Kinds.Count);
    }

    private sealed record Outcome(Digest Digest, long Delivered, long DeadLetters, long Failures, int Timers, int Events, ulong Trace);

    private sealed record Happened(int What);

    private sealed record Spark(int Number);

    /// <summary>What the actors of one run share: whom they know, and a trace of who did what when, kept apart from the kernel's own digest.</summary>
    private sealed class World(ActorTestKit kit, ulong program)
    {
        private const int MaxActors = 40;
        private readonly List<ActorRef> _known = [];
        private readonly ulong _program = program * 0x9E3779B97F4A7C15;
        private Digest _trace;
        private int _spawned;

        public HashSet<int> Kinds { get; } = [];

        public ulong Trace => _trace.Value;

        public void Spawn(Func<Props, ActorRef> make)
        {
            if (_spawned >= MaxActors)
                return;
            int number = _spawned++;
            bool isPersistent = ((_program >> (number % 60)) & 3) == 0;
            _known.Add(make(isPersistent ? Props.Create(() => new Keeper(this, $"stream-{number}")) : Props.Create(() => new Doer(this))));
        }

        /// <summary>One thing that an actor does, drawn from the loop's own source; the program says what the draws mean.</summary>
        public void Act(IActorContext context, Action<Happened>? persist)
        {
            int draw = context.Random.Next(100);
            int kind = (int)((((ulong)draw * 7) ^ (_program >> 32)) % 12);
            Kinds.Add(kind);
            _trace.Add((ulong)context.Now.Ticks ^ ((ulong)kind << 56) ^ Digest.OfText(context.Self.Path));
            ActorRef other = _known[context.Random.Next(_known.Count)];
            switch (kind)
            {
                case 0 or 1:
                    Spawn(props => context.ActorOf(props));
                    break;
                case 2 or 3:
                    other.Tell(new Spark(draw));
                    break;
                case 4:
                    other.Tell(new Spark(draw));
                    context.Self.Tell(new Spark(draw));
                    break;
                case 5:
                    context.Timers.StartSingle(draw % 3, new Spark(draw), context.Random.NextTimeSpan(TimeSpan.Zero, Seconds(1)));
                    break;
                case 6:
                    context.Timers.StartPeriodic("period", new Spark(draw), context.Random.NextTimeSpan(Milliseconds(200), Seconds(2)));
                    break;
                case 7 when persist is not null:
                    persist(new Happened(draw));
                    other.Tell(new Spark(draw));
                    break;
                case 8 when draw % 2 == 0:
                    throw new Bang();
                case 9 when draw % 5 == 0 && other != _known[0]:   // or some programs would end before they began
                    context.Stop(other);
                    break;
                case 10:
                    context.Watch(other);
                    break;
                case 11:
                    context.Timers.Cancel(draw % 3);
                    context.System.EventStream.Subscribe<ActorFailed>(context.Self);
                    break;
                default:
                    context.Timers.StartSingle("again", new Spark(draw), Milliseconds(draw));
                    break;
            }
        }

        public void Started(IActorContext context) => context.Timers.StartSingle("first", new Spark(0), context.Random.NextTimeSpan(TimeSpan.Zero, Milliseconds(100)));

        public void Ended(IActorContext context) => _trace.Add(Digest.OfText(context.Self.Path) ^ (ulong)kit.Now.Ticks);
    }

    private sealed class Doer(World world) : Actor
    {
        protected internal override void PreStart()
        {
            world.Started(Context);
            Context.Timers.StartPeriodic("pulse", new Spark(1), Milliseconds(500));
        }

        protected internal override void PostStop() => world.Ended(Context);

        protected override void Receive(object message) => world.Act(Context, persist: null);
    }

    private sealed class Keeper(World world, string id) : PersistentActor
    {
        private int _events;

        public override string PersistenceId => id;

        protected internal override void PreStart() => world.Started(Context);

        protected internal override void PostStop() => world.Ended(Context);

        protected override void ReceiveCommand(object message)
        {
            if (_events % 5 == 4 && message is not SaveSnapshotSuccess)
                SaveSnapshot(new Happened(_events));
            world.Act(Context, happened => Persist(happened, _ =>
            {
                _events++;
                world.Act(Context, persist: null);
            }));
        }

        protected override void ReceiveRecover(object message)
        {
            if (message is Happened)
                _events++;
        }
    }
}
