using System.Globalization;
using Mesh.Hocon;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <summary>A scenario file cannot be used.</summary>
/// <param name="problems">One sentence each: file, line, key, and what was expected.</param>
public sealed class ScenarioException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>Everything that is wrong.</summary>
    public IReadOnlyList<string> Problems => problems;
}

/// <summary>Reads scenarios from HOCON. All problems of a file are reported at once; a key that nobody reads is one of them.</summary>
public static class ScenarioReader
{
    private const int MaxNodes = 20_000;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="internet">What holds where the scenario does not say otherwise.</param>
    /// <exception cref="ScenarioException">It cannot be used.</exception>
    public static Scenario Load(string path, InternetOptions? internet = null)
    {
        try
        {
            return Read(HoconDocument.Load(path, HoconOptions.Default with { Loader = FileHoconLoader.Instance }), internet);
        }
        catch (Exception e) when (e is HoconException or IOException or UnauthorizedAccessException)
        {
            throw new ScenarioException([e is HoconException ? e.Message : $"{path}: {e.Message}"]);
        }
    }

    /// <summary>Reads a text.</summary>
    /// <exception cref="ScenarioException">It cannot be used.</exception>
    public static Scenario Parse(string text, string name = "scenario")
    {
        try
        {
            return Read(HoconDocument.Parse(text, name), internet: null);
        }
        catch (HoconException e)
        {
            throw new ScenarioException([e.Message]);
        }
    }

    private static Scenario Read(HoconDocument document, InternetOptions? internet)
    {
        HoconValue resolved = document.Resolve();
        var root = new ScenarioSection(
            resolved as HoconObject ?? throw new ScenarioException([$"{resolved.Origin}: expected an object with the key scenario, not a list"]), "", []);
        Scenario scenario = ReadScenario(root.Section("scenario", isRequired: true), internet ?? new InternetOptions());
        root.Finish();
        if (root.Problems.Count > 0)
            throw new ScenarioException(root.Problems);
        return scenario;
    }

    private static Scenario ReadScenario(ScenarioSection section, InternetOptions internet)
    {
        var standard = new Scenario { Name = "", Sites = [], Steps = [] };
        Scenario scenario = standard with
        {
            Name = section.Text("name", fallback: null),
            Description = section.Text("description", ""),
            Network = ReadNetwork(section, standard.Network),
            Internet = ReadInternet(section.Section("internet", isRequired: false), internet),
            DiameterMilliseconds = section.Duration("diameter", TimeSpan.FromMilliseconds(40), TimeSpan.Zero, TimeSpan.FromSeconds(1)).TotalMilliseconds,
            HasRegistryNode = section.Flag("registry-node", standard.HasRegistryNode),
            JoinSpread = section.Duration("join-spread", standard.JoinSpread, TimeSpan.Zero, TimeSpan.FromHours(1)),
            Sites = [.. section.List("sites", isRequired: true).Select(ReadSite)],
        };
        scenario = scenario with { Registry = ReadRegistry(section.Section("parameters", isRequired: false), scenario.Network) };
        scenario = scenario with { Steps = [.. section.List("steps", isRequired: true).Select(step => ReadStep(step, scenario)).OfType<ScenarioStep>()] };
        // As long: there is room in a file for more sites than an int counts nodes.
        long nodes = scenario.Sites.Sum(static s => (long)s.Nodes);
        if (nodes is < 1 or > MaxNodes)
            section.Problem("sites", $"all sites together have 1 to {MaxNodes} nodes, not {nodes}");
        foreach (IGrouping<string, Site> twice in scenario.Sites.GroupBy(s => s.Name, StringComparer.Ordinal).Where(g => g.Count() > 1))
            section.Problem("sites", $"two sites are called '{twice.Key}'");
        section.Finish();
        return scenario;
    }

    private static NetworkPrefix ReadNetwork(ScenarioSection section, NetworkPrefix fallback)
    {
        string text = section.Text("network", fallback.ToString());
        if (NetworkPrefix.TryParse(text, out NetworkPrefix network))
            return network;
        section.Problem("network", $"'{text}' is not an IPv6 prefix such as 2001:db8:42::/48");
        return fallback;
    }

    private static InternetOptions ReadInternet(ScenarioSection section, InternetOptions standard)
    {
        InternetOptions internet = standard with
        {
            BaseLatency = section.Duration("base-latency", standard.BaseLatency, TimeSpan.FromMicroseconds(1), TimeSpan.FromSeconds(10)),
            Jitter = section.Duration("jitter", standard.Jitter, TimeSpan.Zero, TimeSpan.FromSeconds(10)),
            Loss = section.Number("loss", standard.Loss, 0, 0.99),
            LanLatency = section.Duration("lan-latency", standard.LanLatency, TimeSpan.FromMicroseconds(1), TimeSpan.FromSeconds(1)),
        };
        section.Finish();
        return internet;
    }

    private static RegistryOptions ReadRegistry(ScenarioSection section, NetworkPrefix network)
    {
        var standard = new RegistryOptions();
        int clients = section.Integer("client-count", standard.ClientCount, 1, 1000);
        RegistryOptions options = standard with
        {
            ClientCount = clients,
            MaxClients = section.Integer("max-clients", 2 * clients, 1, 10_000),
            Hello = section.Duration("hello", standard.Hello, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            PrefixLength = section.Integer("prefix-length", standard.PrefixLength, 1, 64),
        };
        foreach (string problem in options.Validate(network))
            section.Problem("", problem);
        section.Finish();
        return options;
    }

    private static Site ReadSite(ScenarioSection section)
    {
        var site = new Site(section.Text("name", fallback: null), section.Flag("nat", fallback: false), section.Integer("nodes", 1, 1, 10_000));
        section.Finish();
        return site;
    }

    private static ScenarioStep? ReadStep(ScenarioSection section, Scenario scenario)
    {
        string action = section.Text("do", fallback: null);
        ScenarioStep? step = action switch
        {
            "" => null,   // reported as missing already
            "wait" => new PassTime(section.Duration("for", fallback: null, TimeSpan.Zero, TimeSpan.FromDays(36_500))),
            "await-routes" => new AwaitRoutes(section.Duration("within", TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1))),
            "ping-all" => new PingAll(section.Integer("attempts", 3, 1, 100)),
            "kill" or "crash" or "boot" => new Inflict(Enum.Parse<MachineFault>(action, ignoreCase: true), ReadMachine(section, scenario)),
            _ => Unknown(section, action),
        };
        section.Finish();
        return step;
    }

    private static string ReadMachine(ScenarioSection section, Scenario scenario)
    {
        string name = section.Text("machine", fallback: null);
        bool exists = name is SimulatedNetwork.RegistryName or "" || (name == SimulatedNetwork.RegistryNodeName && scenario.HasRegistryNode)
            || scenario.Sites.Any(s => IsNodeOf(s, name));
        if (!exists)
            section.Problem("machine", $"there is no machine '{name}'; nodes are called SITE-NUMBER, for example {scenario.Sites.FirstOrDefault()?.Name}-1, and the registry 'registry'");
        return name;
    }

    private static bool IsNodeOf(Site site, string name) =>
        name.StartsWith(site.Name + "-", StringComparison.Ordinal) && int.TryParse(name.AsSpan(site.Name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && number >= 1 && number <= site.Nodes && name == $"{site.Name}-{number}";

    private static ScenarioStep? Unknown(ScenarioSection section, string action)
    {
        section.Problem("do", $"'{action}' is not a step; steps are wait, await-routes, ping-all, kill, crash, boot");
        return null;
    }
}
