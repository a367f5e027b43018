using System.Text.Json;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Parameters;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Tests.Rotation;

public sealed class HmacActorTests
{
    private static readonly TimeSpan Step = TimeSpan.FromHours(2);
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("new_network", true)]
    [InlineData("old_network", false)]
    public void UpdateHmac_goes_through_the_states_of_the_vectors(string vector, bool isNew)
    {
        var world = new RegistryWorld(new RegistryOptions { BabelAuthentication = isNew });
        var versions = new TestEvents<VersionPublished>(world);
        NodePrefix node = world.Join().Prefix;
        world.Kit.Advance(Moment);
        var names = new Dictionary<string, string>(StringComparer.Ordinal) { [""] = "empty" };
        ulong? offset = null;
        foreach (JsonElement step in Vectors.Load("hmac-rotation.json").GetProperty(vector).EnumerateArray())
        {
            if (step.Text("op") == "updateHMAC")
            {
                KeysStepped stepped = world.Ask<KeysStepped>(world.Actors.Hmac, new UpdateHmac());
                world.Ask<Done>(world.Actors.Parameters, new AwaitSteps(stepped.Status.Steps));
                Assert.Equal(world.Version, versions.Seen[^1].Version.Number);
                Assert.Equal(node, versions.Seen[^1].RegistryPrefix);
            }

            ParametersGiven given = world.Parameters(node);
            Assert.Equal(step.GetProperty("babel_hmac_sign").GetString(), Name(given.SignKey));
            Assert.Equal(step.GetProperty("babel_hmac_accept").GetString(), Name(given.AcceptKey));
            RotationStatus status = world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation());
            bool isTimed = step.GetProperty("valid_until").ValueKind == JsonValueKind.Number;
            Assert.Equal(isTimed ? status.Since + TimeSpan.FromHours(1) : null, given.Parameters.ValidUntil);
            offset ??= step.GetProperty("version").GetUInt64() - given.Parameters.Version.Number;
            Assert.Equal(step.GetProperty("version").GetUInt64(), given.Parameters.Version.Number + offset);
        }

        // The first time that a key is seen it gets the next name, as in the vectors.
        string? Name(byte[]? key)
        {
            if (key is null)
                return null;
            string text = Convert.ToHexString(key);
            if (!names.TryGetValue(text, out string? name))
                names.Add(text, name = $"key{names.Count}");
            return name;
        }
    }

    [Fact]
    public void Defect_the_introduction_of_hmac_is_an_empty_accept_key_and_no_error()
    {
        var world = new RegistryWorld(new RegistryOptions { BabelAuthentication = false });
        NodePrefix node = world.Join().Prefix;
        world.Kit.Advance(Moment);
        Assert.Equal((null, null), (world.Parameters(node).SignKey, world.Parameters(node).AcceptKey));
        KeysStepped stepped = world.Ask<KeysStepped>(world.Actors.Hmac, new UpdateHmac());
        Assert.Equal((RotationState.None, RotationState.Init), (stepped.From, stepped.Status.State));
        world.Ask<Done>(world.Actors.Parameters, new AwaitSteps(stepped.Status.Steps));
        ParametersGiven given = world.Parameters(node);
        Assert.Equal((16, 0), (given.SignKey!.Length, given.AcceptKey!.Length));

        // The same after a restart: absent and empty must not be mistaken for one another in the journal.
        ParametersGiven again = world.Restart().Parameters(node);
        Assert.Equal(given.SignKey, again.SignKey);
        Assert.Empty(again.AcceptKey!);
    }

    [Fact]
    public void A_step_that_would_strand_nodes_is_refused_until_it_is_safe_and_can_be_forced()
    {
        var world = new RegistryWorld();
        world.Join();
        Assert.Equal(RotationState.Prepare, Advance(world).State);   // adds a key: always safe
        StepTooEarly refused = world.Ask<StepTooEarly>(world.Actors.Hmac, new AdvanceRotation(IsForced: false));
        Assert.Equal((RotationState.Prepare, refused.Status.Since + Step), (refused.Status.State, refused.Status.SafeAt));
        Assert.Contains("new key", refused.Risk, StringComparison.Ordinal);
        world.Kit.Advance(Step - Moment);
        world.Ask<StepTooEarly>(world.Actors.Hmac, new AdvanceRotation(IsForced: false));
        world.Kit.Advance(Moment);
        Assert.Equal(RotationState.Switch, Advance(world).State);
        world.Ask<StepTooEarly>(world.Actors.Hmac, new AdvanceRotation(IsForced: false));
        Assert.Equal(RotationState.Stable, world.Ask<KeysStepped>(world.Actors.Hmac, new AdvanceRotation(IsForced: true)).Status.State);
        Assert.Contains(world.Kit.Log.Entries, e => e.Level == LogLevel.Warning && e.Message.Contains("forced out of Switch", StringComparison.Ordinal));
    }

    [Fact]
    public void UpdateHmac_steps_at_once_and_warns_where_advance_would_have_refused()
    {
        var world = new RegistryWorld();
        world.Join();
        world.Ask<KeysStepped>(world.Actors.Hmac, new UpdateHmac());
        Assert.DoesNotContain(world.Kit.Log.Entries, static e => e.Level == LogLevel.Warning);
        Assert.Equal(RotationState.Switch, world.Ask<KeysStepped>(world.Actors.Hmac, new UpdateHmac()).Status.State);
        Assert.Contains(world.Kit.Log.Entries, e => e.Level == LogLevel.Warning && e.Message.Contains("leave Prepare", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, 4)]
    [InlineData(false, 2)]
    public void A_rotation_runs_by_itself_and_no_node_that_asks_in_time_is_ever_stranded(bool isNew, int expectedHours)
    {
        var world = new RegistryWorld(new RegistryOptions { BabelAuthentication = isNew });
        NodePrefix node = world.Join().Prefix;
        world.Kit.Advance(Moment);
        DateTimeOffset begin = world.UtcNow;
        RotationStatus begun = world.Ask<RotationStatus>(world.Actors.Hmac, new BeginRotation());
        Assert.True(begun.IsRotating);
        (byte[]? Sign, byte[]? Accept) slow = Keys(world, node);   // a node that asks only once in just under two hours
        DateTimeOffset asked = world.UtcNow;
        byte[]? first = slow.Sign;
        RotationStatus status = begun;
        while (status.IsRotating && world.UtcNow < begin + TimeSpan.FromDays(1))
        {
            world.Kit.Advance(TimeSpan.FromMinutes(1));
            status = world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation());
            (byte[]? Sign, byte[]? Accept) fast = Keys(world, node);
            Assert.True(Accepts(fast, slow.Sign), $"{status.State}: up-to-date nodes do not accept the slow one");
            Assert.True(Accepts(slow, fast.Sign), $"{status.State}: the slow node does not accept up-to-date ones");
            if (world.UtcNow - asked < Step - TimeSpan.FromMinutes(2))
                continue;
            (slow, asked) = (fast, world.UtcNow);
        }

        Assert.Equal((RotationState.Stable, false), (status.State, status.IsRotating));
        Assert.NotEqual(first, Keys(world, node).Sign);
        Assert.InRange((world.UtcNow - begin).TotalHours, expectedHours, expectedHours + 0.2);
    }

    [Fact]
    public void A_rotation_goes_on_after_restarts_and_can_be_halted()
    {
        var world = new RegistryWorld();
        world.Join();
        world.Kit.Advance(Moment);
        world.Ask<RotationStatus>(world.Actors.Hmac, new BeginRotation());
        world.Ask<RotationStatus>(world.Actors.Hmac, new BeginRotation());   // twice is once
        world.Kit.Advance(Step / 2);
        world = world.Restart();
        Assert.Equal((RotationState.Prepare, true), StateOf(world));
        world.Kit.Advance(Step / 2);
        Assert.Equal((RotationState.Switch, true), StateOf(world));
        Assert.False(world.Ask<RotationStatus>(world.Actors.Hmac, new HaltRotation()).IsRotating);
        world = world.Restart();
        world.Kit.Advance(10 * Step);
        Assert.Equal((RotationState.Switch, false), StateOf(world));
        world.Ask<RotationStatus>(world.Actors.Hmac, new BeginRotation());
        world.Kit.Advance(Moment);
        Assert.Equal((RotationState.Stable, false), StateOf(world));
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void Crashes_during_a_rotation_never_lose_a_step_that_a_node_has_seen(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var world = new RegistryWorld(seed: seed);
        NodePrefix node = world.Join().Prefix;
        world.Kit.Advance(Moment);
        ParametersGiven seen = world.Parameters(node);
        for (int turn = 0; turn < 100; turn++)
        {
            world.Admin.Send(world.Actors.Hmac, new UpdateHmac());
            world.Kit.Advance(TimeSpan.FromTicks(random.Next((int)TimeSpan.FromMilliseconds(12).Ticks)));
            if (random.Next(2) == 0)
                world = world.Crash(seed + (ulong)turn);
            world.Kit.Advance(Moment);
            _ = world.Admin.ReceiveAll();
            ParametersGiven now = world.Parameters(node);
            Assert.True(now.Parameters.Version.Number >= seen.Parameters.Version.Number);
            Assert.Equal(now.Parameters.Version.Number == seen.Parameters.Version.Number, SameKeys(now, seen));
            seen = now;
        }

        Assert.True(seen.Parameters.Version.Number > 50);
    }

    [Theory]
    [InlineData(1ul, true)]
    [InlineData(2ul, true)]
    [InlineData(3ul, false)]
    [InlineData(4ul, false)]
    public void A_whole_cycle_under_restarts_and_crashes_takes_each_step_once_and_none_too_early(ulong seed, bool isNew)
    {
        var random = new DeterministicRandom(seed);
        var world = new RegistryWorld(new RegistryOptions { BabelAuthentication = isNew }, seed: seed);
        NodePrefix node = world.Join().Prefix;
        world.Kit.Advance(Moment);
        DateTimeOffset begin = world.UtcNow;
        ulong version = world.Version;
        (byte[]? Sign, byte[]? Accept) slow = Keys(world, node);   // asks once in just under two hours, whatever happens to the registry
        DateTimeOffset asked = begin;
        RotationStatus status = world.Ask<RotationStatus>(world.Actors.Hmac, new BeginRotation());
        var seen = new List<RotationStatus> { world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation()) };
        while (status.IsRotating && world.UtcNow < begin + TimeSpan.FromDays(2))
        {
            world.Kit.Advance(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromMinutes(8)));
            if (random.Next(3) == 0)
                world = random.Next(2) == 0 ? world.Restart() : world.Crash(random.NextUInt64());
            world.Kit.Advance(Moment);
            status = world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation());
            if (status.State != seen[^1].State)
                seen.Add(status);
            (byte[]? Sign, byte[]? Accept) fast = Keys(world, node);
            Assert.True(Accepts(fast, slow.Sign) && Accepts(slow, fast.Sign), $"{status.State}: a node that asks in time is stranded");
            if (world.UtcNow - asked >= Step - TimeSpan.FromMinutes(10))
                (slow, asked) = (fast, world.UtcNow);
        }

        RotationState[] states = isNew ? [RotationState.Stable, RotationState.Prepare, RotationState.Switch, RotationState.Stable] : [RotationState.None, RotationState.Init, RotationState.Stable];
        Assert.Equal(states[1..], seen.Select(static s => s.State).SkipWhile(s => s == states[0]).Take(states.Length - 1));
        Assert.All(seen.Zip(seen.Skip(1)), pair => Assert.True(pair.Second.Since >= pair.First.SafeAt));
        Assert.Equal(version + (ulong)states.Length - 1, world.Version);
        Assert.InRange(world.UtcNow - begin, (states.Length - 2) * Step, ((states.Length - 2) * Step) + TimeSpan.FromHours(1));
    }

    private static (RotationState State, bool IsRotating) StateOf(RegistryWorld world) =>
        world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation()) is var status ? (status.State, status.IsRotating) : default;

    private static RotationStatus Advance(RegistryWorld world) => world.Ask<KeysStepped>(world.Actors.Hmac, new AdvanceRotation(IsForced: false)).Status;

    private static (byte[]? Sign, byte[]? Accept) Keys(RegistryWorld world, NodePrefix node) => world.Parameters(node) is var given ? (given.SignKey, given.AcceptKey) : default;

    private static bool SameKeys(ParametersGiven left, ParametersGiven right) => Same(left.SignKey, right.SignKey) && Same(left.AcceptKey, right.AcceptKey);

    private static bool Same(byte[]? left, byte[]? right) => left is null ? right is null : right is not null && left.AsSpan().SequenceEqual(right);

    // What RFC 8967 and an empty accept key mean: no keys, no check; an empty one, no check; else one of the keys.
    private static bool Accepts((byte[]? Sign, byte[]? Accept) node, byte[]? signature) =>
        node.Sign is null || node.Accept is { Length: 0 } || Same(node.Sign, signature) || (node.Accept is not null && Same(node.Accept, signature));
}
