using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Tunnels.Killers;

/// <summary>What nodes of re6st do: which tunnel they choose to destroy, and how.</summary>
public sealed class KillerVectorTests
{
    private static readonly KillerTimes Times = KillerTimes.Of(TimeSpan.FromSeconds(15));
    private static readonly JsonElement Runs = Read("tunnel-killer").GetProperty("runs"), Removals = Read("tunnel-selection").GetProperty("remove").GetProperty("cases");

    public static TheoryData<string> RunTitles => [.. Runs.EnumerateArray().Select(static run => run.GetProperty("title").GetString()!)];

    public static TheoryData<string> RemovalTitles => [.. Removals.EnumerateArray().Select(static run => run.GetProperty("title").GetString()!)];

    [Theory, MemberData(nameof(RunTitles))]
    public void A_destruction_goes_as_in_re6st(string title)
    {
        JsonElement run = Find(Runs, title);
        Killer? killer = null;
        foreach (JsonElement step in run.GetProperty("steps").EnumerateArray())
        {
            string happened = step.GetProperty("event").GetString()!;
            TimeSpan now = TimeSpan.FromSeconds(step.GetProperty("at").GetDouble());
            var actions = new List<string>();
            foreach (KillerAction action in Play(ref killer, happened, now))
                actions.Add(Name(action));
            string[] expected = [.. step.GetProperty("actions").EnumerateArray().Select(Name)];
            if (happened == "connection killed")
                expected = [];   // the test does that itself
            Assert.Equal((happened, string.Join(' ', expected)), (happened, string.Join(' ', actions)));
            JsonElement state = step.GetProperty("killer");
            Assert.Equal(state.ValueKind == JsonValueKind.Null, killer is null);
            if (killer is null)
                continue;
            Assert.Equal((happened, StateName(state)), (happened, killer.State.ToString()));
            Assert.Equal(state.GetProperty("timeout_at").GetDouble(), killer.Deadline.TotalSeconds);
        }
    }

    [Theory, MemberData(nameof(RemovalTitles))]
    public void The_tunnel_to_destroy_is_the_one_that_re6st_chooses(string title)
    {
        JsonElement one = Find(Removals, title);
        HashSet<string> doomed = Names(one, "already_killing"), neighbours = Names(one, "neighbour_option");
        RefreshCandidate[] tunnels = [.. one.GetProperty("client_tunnels").EnumerateObject()
            .Where(tunnel => !doomed.Contains(tunnel.Name))
            .Select(tunnel => new RefreshCandidate(
                NodePrefix.ParseCommonName(tunnel.Name), tunnel.Value.ValueKind == JsonValueKind.Null ? 0 : tunnel.Value.GetInt32(), neighbours.Contains(tunnel.Name)))];
        int limit = RefreshChoice.Limit(
            one.GetProperty("client_count").GetInt32(), one.GetProperty("server_tunnels").GetArrayLength() > 0, !one.GetProperty("disconnected_from_registry").GetBoolean());
        Assert.Equal(one.GetProperty("chosen").GetString(), RefreshChoice.Choose(tunnels, limit)?.CommonName);
    }

    private static ImmutableArray<KillerAction> Play(ref Killer? killer, string happened, TimeSpan now)
    {
        switch (happened)
        {
            case "start":
                return Start(ref killer, Killer.Begin(now, 7, isForced: false, Times), now, LinkUse.Routed);
            case "start without direct route":
                return Start(ref killer, Killer.Begin(now, 7, isForced: false, Times), now, LinkUse.Unknown);
            case "kill request (code 2) from the peer":
                return Start(ref killer, Killer.BeginForPeer(now, 8, Times), now, LinkUse.Routed);
            case "kill answer (code 3) from the peer":
                KillerStep answered = killer!.PeerAnswers(now, round: null, agrees: true, Times);
                return answered.Actions is [KillerAction.Look] ? Look(ref killer, answered.Killer!, now, LinkUse.Locked) : Take(ref killer, answered);
            case "connection killed" or "client-disconnect on that interface":
                return Take(ref killer, killer!.Gone(now, Times));
            default:
                // A neighbour that re6st has not identified is one that our routing protocol does not know.
                LinkUse use = happened switch
                {
                    "direct route" or "some neighbour not identified" => LinkUse.Routed,
                    "no route through it" => killer is { State: KillerState.Waiting } ? LinkUse.Unknown : LinkUse.Unrouted,
                    "neighbour locked" => LinkUse.Locked,
                    _ => throw new InvalidOperationException(happened),
                };
                return killer is null ? [] : Look(ref killer, killer, now, use);
        }
    }

    private static ImmutableArray<KillerAction> Start(ref Killer? killer, KillerStep step, TimeSpan now, LinkUse use)
    {
        Assert.Equal([new KillerAction.Look()], step.Actions);
        return Look(ref killer, step.Killer!, now, use);
    }

    private static ImmutableArray<KillerAction> Look(ref Killer? killer, Killer before, TimeSpan now, LinkUse use) => Take(ref killer, before.Look(now, use, Times));

    private static ImmutableArray<KillerAction> Take(ref Killer? killer, KillerStep step)
    {
        killer = step.Killer;
        return step.Actions;
    }

    private static string Name(KillerAction action) => action switch
    {
        KillerAction.SetMultiplier set => $"multiplier {set.Multiplier}",
        KillerAction.AskPeer => "code 2",
        KillerAction.AnswerPeer { Agrees: true } => "code 3",
        KillerAction.Cut => "kill",
        _ => action.ToString(),
    };

    private static string Name(JsonElement action)
    {
        JsonProperty one = action.EnumerateObject().First();
        return one.Name switch
        {
            "set_cost_multiplier" => string.Create(CultureInfo.InvariantCulture, $"multiplier {one.Value.GetInt32()}"),
            "udp_code" => string.Create(CultureInfo.InvariantCulture, $"code {one.Value.GetInt32()}"),
            "kill_connection" => "kill",
            _ => one.Name,
        };
    }

    private static string StateName(JsonElement killer) =>
        killer.GetProperty("state").GetString() is { } name ? $"{char.ToUpperInvariant(name[0])}{name[1..]}" : nameof(KillerState.Waiting);

    private static HashSet<string> Names(JsonElement one, string list) => [.. one.GetProperty(list).EnumerateArray().Select(static e => e.GetString()!)];

    private static JsonElement Find(JsonElement list, string title) => list.EnumerateArray().Single(one => one.GetProperty("title").GetString() == title);

    private static JsonElement Read(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", $"{name}.json"))).RootElement;
}
