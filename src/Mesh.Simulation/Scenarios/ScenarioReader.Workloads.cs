using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Scenarios;

/// <content>Nodes that come and go, clocks, and traffic.</content>
public static partial class ScenarioReader
{
    private const string Workloads = "join, await-joined, await-refused, churn, clock-jump, skip, renew-authority, slow-disk, full-disk, lying-disk, good-disk, replace, lan-merge, lan-split";
    private const int MaxOctets = 1200;   // what goes through every tunnel in one piece

    private static readonly TimeSpan Century = TimeSpan.FromDays(36_500);

    private static ScenarioStep? ReadWorkload(ScenarioSection section, Scenario scenario, string action) => action switch
    {
        "join" => ReadJoin(section, scenario),
        "await-joined" => new AwaitJoined(ReadWithin(section)),
        "await-refused" => new AwaitRefused(ReadWithin(section)),
        "churn" => new Churn(
            section.Number("share", fallback: null, 0, 1),
            section.Duration("every", fallback: null, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
            section.Duration("for", fallback: null, TimeSpan.FromSeconds(1), TimeSpan.FromDays(365)),
            section.Word("kind", "replace", "replace", "restart") == "replace"),
        "slow-disk" => new SetDisk(
            DiskCondition.Good with { WriteDelay = section.Duration("delay", fallback: null, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1)) }, ReadMachineOrNone(section, scenario), ReadShare(section)),
        "full-disk" => new SetDisk(DiskCondition.Good with { IsFull = true }, ReadMachineOrNone(section, scenario), ReadShare(section)),
        "lying-disk" => new SetDisk(
            DiskCondition.Good with { CacheTime = section.Duration("cache", TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(365)) }, ReadMachineOrNone(section, scenario), ReadShare(section)),
        "good-disk" => new SetDisk(DiskCondition.Good, ReadMachineOrNone(section, scenario), ReadShare(section)),
        "replace" => new ReplaceNodes(section.Has("machine") ? ReadNode(section, scenario) : null, ReadShare(section)),
        "lan-merge" or "lan-split" => ReadLan(section, scenario, action == "lan-merge"),
        "clock-jump" => new JumpClock(
            ReadMachineOrNone(section, scenario),
            ReadShare(section),
            section.Duration("by", fallback: null, -Century, Century)),
        "skip" => ReadSkip(section),
        "renew-authority" => new RenewAuthority(section.Duration("for", fallback: null, TimeSpan.FromHours(1), Century)),
        _ => null,
    };

    private static string? ReadMachineOrNone(ScenarioSection section, Scenario scenario) => section.Has("machine") ? ReadMachine(section, scenario) : null;

    // Of the nodes, where no machine is named; both together have one unknown key.
    private static double ReadShare(ScenarioSection section) => section.Has("machine") ? 1 : section.Number("share", fallback: 1, 0, 1);

    private static JoinWave ReadJoin(ScenarioSection section, Scenario scenario)
    {
        string site = section.Text("site", "");
        if (site.Length > 0 && !scenario.Sites.Any(one => one.Name == site && one.JoinsLater))
            section.Problem("site", $"there is no site '{site}' with join = later");
        else if (!scenario.Sites.Any(static one => one.JoinsLater))
            section.Problem("do", "no site has join = later, so nobody is left to join");
        if (section.Has("count") && section.Has("share"))
            section.Problem("count", "expected either count or share");
        int? count = section.Has("count") ? section.Integer("count", 1, 1, Scenario.MaxNodes) : null;
        double share = section.Number("share", fallback: 1, 0, 1);
        TimeSpan spread = section.Duration("spread", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(1));
        string shape = section.Word("shape", "even", "even", "burst", "growing", "fading");
        return new JoinWave(site.Length > 0 ? site : null, count, share, spread, Enum.Parse<WaveShape>(shape, ignoreCase: true));
    }

    private static Skip ReadSkip(ScenarioSection section)
    {
        TimeSpan every = section.Duration("every", fallback: null, TimeSpan.FromMinutes(1), TimeSpan.FromDays(365));
        TimeSpan run = section.Duration("run", fallback: null, TimeSpan.FromSeconds(1), TimeSpan.FromDays(365));
        if (run > every)
            section.Problem("run", "expected at most as long as every");
        return new Skip(section.Duration("for", fallback: null, TimeSpan.FromMinutes(1), Century), every, run, section.Flag("restart", fallback: true), section.Integer("min-renewals", 0, 0, 1_000_000));
    }

    private static PlugLans ReadLan(ScenarioSection section, Scenario scenario, bool merges)
    {
        IReadOnlyList<string> sites = section.Texts("sites");
        foreach (string unknown in sites.Where(name => !scenario.Sites.Any(site => site.Name == name && site.Options.IsLan)))
            section.Problem("sites", $"there is no site '{unknown}' with lan = true");
        if (!section.Has("sites"))
            section.Problem("sites", "is missing");
        return new PlugLans(sites, merges);
    }

    private static Partition ReadPartition(ScenarioSection section, Scenario scenario)
    {
        if (!section.Has("sites"))
            return new Partition(section.Number("share", fallback: null, 0, 1));
        IReadOnlyList<string> sites = section.Texts("sites");
        foreach (string unknown in sites.Where(name => !scenario.Sites.Any(site => site.Name == name)))
            section.Problem("sites", $"there is no site '{unknown}'");
        return new Partition(1) { Sites = sites };
    }

    private static Traffic ReadTraffic(ScenarioSection section, Scenario scenario)
    {
        string pattern = section.Word("pattern", "random", "random", "gravity", "hub");
        string? hub = null;
        if (section.Has("hub") || pattern == "hub")
        {
            hub = section.Text("hub", fallback: null);
            if (hub.Length > 0 && !scenario.HasNode(hub))
                section.Problem("hub", $"there is no node '{hub}'");
            if (pattern != "hub")
                section.Problem("hub", "only pattern = hub has one");
        }

        return new Traffic(
            section.Integer("pairs", 10, 1, 100_000),
            section.Duration("interval", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1)),
            Enum.Parse<TrafficPattern>(pattern, ignoreCase: true),
            section.Integer("size", Traffic.DefaultOctets, 0, MaxOctets),
            hub)
        {
            Label = section.Text("label", ""),
        };
    }

    private static StopTraffic ReadStopTraffic(ScenarioSection section) =>
        new(section.Has("max-lost") ? section.Integer("max-lost", 0, 0, int.MaxValue) : null, section.Integer("min-destroyed", 0, 0, int.MaxValue))
        {
            MaxLostShare = section.Has("max-lost-share") ? section.Number("max-lost-share", fallback: null, 0, 1) : null,
            Mean = section.Has("mean") ? section.Duration("mean", fallback: null, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1)) : null,
        };
}
