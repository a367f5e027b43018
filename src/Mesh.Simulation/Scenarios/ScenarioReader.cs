using Mesh.Hocon;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Invariants;
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
public static partial class ScenarioReader
{
    private const string Steps =
        "wait, await-routes, await-version, await-ejected, ping-all, ping, traffic, stop-traffic, kill, crash, boot, sleep, wake, partition, heal, set-parameters, revoke, rotate-keys, forge, chaos, faults, " + Workloads;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="internet">What holds where the scenario does not say otherwise.</param>
    /// <exception cref="ScenarioException">It cannot be used.</exception>
    public static Scenario Load(string path, InternetOptions? internet = null)
    {
        try
        {
            return Read(HoconDocument.Load(path, HoconOptions.Default with { Loader = FileHoconLoader.Instance }), internet, Path.GetDirectoryName(path) ?? "");
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
            return Read(HoconDocument.Parse(text, name), internet: null, directory: "");
        }
        catch (HoconException e)
        {
            throw new ScenarioException([e.Message]);
        }
    }

    private static Scenario Read(HoconDocument document, InternetOptions? internet, string directory)
    {
        HoconValue resolved = document.Resolve();
        var root = new ScenarioSection(
            resolved as HoconObject ?? throw new ScenarioException([$"{resolved.Origin}: expected an object with the key scenario, not a list"]), "", []);
        Scenario scenario = ReadScenario(root.Section("scenario", isRequired: true), internet ?? new InternetOptions(), directory);
        root.Finish();
        if (root.Problems.Count > 0)
            throw new ScenarioException(root.Problems);
        return scenario;
    }

    private static Scenario ReadScenario(ScenarioSection section, InternetOptions internet, string directory)
    {
        var standard = new Scenario { Name = "", Sites = [], Steps = [] };
        Scenario scenario = standard with
        {
            Name = section.Text("name", fallback: null),
            Description = section.Text("description", ""),
            Network = ReadNetwork(section, standard.Network),
            Internet = ReadInternet(section.Section("internet", isRequired: false), internet),
            DiameterMilliseconds = section.Duration("diameter", TimeSpan.FromMilliseconds(40), TimeSpan.Zero, TimeSpan.FromSeconds(1)).TotalMilliseconds,
            Cryptography = section.Choice("cryptography", "real", [("real", SimulatedCryptography.Real), ("modelled", SimulatedCryptography.Modelled)]),
            HasRegistryNode = section.Flag("registry-node", standard.HasRegistryNode),
            JoinSpread = section.Duration("join-spread", standard.JoinSpread, TimeSpan.Zero, TimeSpan.FromHours(1)),
        };
        LatencyModel model = ReadLatency(section.Section("latency", isRequired: false), directory);
        SiteOptions common = ReadCommon(section);
        scenario = scenario with
        {
            Internet = scenario.Internet with { Latency = model },
            RegistrySite = ReadRegistrySite(section.Section("registry", isRequired: false), model, common),
            Sites = [.. section.List("sites", isRequired: true).Select(site => ReadSite(site, model, common))],
        };
        // Everybody has to reach the registry.
        if (scenario.Sites.Any(static site => site.Options.Underlay == UnderlayFamily.Ipv6))
            scenario = scenario with { RegistrySite = scenario.RegistrySite with { Underlay = UnderlayFamily.Both } };
        scenario = scenario with { Registry = ReadRegistry(section.Section("parameters", isRequired: false), new RegistryOptions(), scenario.Network) };
        scenario = scenario with { Invariants = ReadInvariants(section.Section("invariants", isRequired: false)) };
        scenario = scenario with { Steps = ReadSteps(section.List("steps", isRequired: true), scenario) };
        // As long: there is room in a file for more sites than an int counts nodes.
        long nodes = scenario.Sites.Sum(static s => (long)s.Nodes);
        if (nodes is < 1 or > Scenario.MaxNodes)
            section.Problem("sites", $"all sites together have 1 to {Scenario.MaxNodes} nodes, not {nodes}");
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

    private static RegistryOptions ReadRegistry(ScenarioSection section, RegistryOptions standard, NetworkPrefix network)
    {
        string ipv4 = section.Text("ipv4", standard.Ipv4 ?? "");
        RegistryOptions options = standard with
        {
            ClientCount = section.Integer("client-count", standard.ClientCount, 1, 1000),
            MaxClients = section.Has("max-clients") ? section.Integer("max-clients", 1, 1, 10_000) : standard.MaxClients,
            Hello = section.Duration("hello", standard.Hello, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            PrefixLength = section.Integer("prefix-length", standard.PrefixLength, 1, 64),
            TunnelRefresh = section.Duration("tunnel-refresh", standard.TunnelRefresh, TimeSpan.FromSeconds(10), TimeSpan.FromDays(1)),
            Encrypt = section.Flag("encrypt", standard.Encrypt),
            Ipv4 = ipv4.Length > 0 ? ipv4 : null,
            Ipv4SubnetLength = section.Integer("ipv4-subnet-length", standard.Ipv4SubnetLength, 0, 16),
            MinProtocol = section.Integer("min-protocol", standard.MinProtocol, 1, RegistryOptions.Protocol),
            BabelDefault = section.Text("babel-default", standard.BabelDefault),
            BabelAuthentication = section.Flag("babel-authentication", standard.BabelAuthentication),
            RotationStepTime = section.Duration("rotation-step-time", standard.RotationStepTime, TimeSpan.FromSeconds(10), TimeSpan.FromDays(30)),
            CertificateLifetime = section.Duration("certificate-lifetime", standard.CertificateLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromDays(36_500)),
            RenewPeriod = section.Duration("renew-period", standard.RenewPeriod, TimeSpan.FromSeconds(1), TimeSpan.FromDays(3650)),
        };
        foreach (string problem in options.Validate(network))
            section.Problem("", problem);
        section.Finish();
        return options;
    }

    private static Dictionary<string, InvariantSetting> ReadInvariants(ScenarioSection section)
    {
        var settings = new Dictionary<string, InvariantSetting>(StringComparer.Ordinal);
        foreach (string name in InvariantCatalogue.Names.Prepend(InvariantCatalogue.All))
        {
            if (!section.Has(name))
                continue;
            if (!section.HasObject(name) || name == InvariantCatalogue.All)
            {
                settings[name] = new InvariantSetting(section.Flag(name, fallback: true));
                continue;
            }

            ScenarioSection one = section.Section(name, isRequired: false);
            settings[name] = new InvariantSetting(IsOn: true, one.Duration("grace", fallback: null, TimeSpan.Zero, TimeSpan.FromDays(365)));
            one.Finish();
        }

        section.Finish();
        return settings;
    }

    // Settings change from step to step: each change is to those before it.
    private static List<ScenarioStep> ReadSteps(IReadOnlyList<ScenarioSection> sections, Scenario scenario)
    {
        var steps = new List<ScenarioStep>();
        RegistryOptions options = scenario.Registry;
        foreach (ScenarioSection section in sections)
        {
            ScenarioStep? step = ReadStep(section, scenario, options);
            section.Finish();
            if (step is SetParameters set)
                options = set.Options;
            if (step is not null)
                steps.Add(step);
        }

        return steps;
    }

    private static ScenarioStep? ReadStep(ScenarioSection section, Scenario scenario, RegistryOptions options)
    {
        string action = section.Text("do", fallback: null);
        return action switch
        {
            "" => null,   // reported as missing already
            "wait" => new PassTime(section.Duration("for", fallback: null, TimeSpan.Zero, TimeSpan.FromDays(36_500))),
            "await-routes" => new AwaitRoutes(ReadWithin(section), section.Number("share", fallback: 1, 0.001, 1)),
            "await-version" => new AwaitVersion(ReadWithin(section), section.Has("median") ? section.Duration("median", fallback: null, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1)) : null),
            "await-ejected" => new AwaitEjected(ReadNode(section, scenario), ReadWithin(section)),
            "ping-all" => new PingAll(ReadAttempts(section)),
            "ping" => new PingAll(ReadAttempts(section), section.Integer("pairs", 100, 1, 10_000_000)),
            "kill" or "crash" or "sleep" when section.Has("share") => new Inflict(Enum.Parse<MachineFault>(action, ignoreCase: true), Machine: null, section.Number("share", fallback: null, 0, 1)),
            "boot" or "wake" when !section.Has("machine") => new Inflict(Enum.Parse<MachineFault>(action, ignoreCase: true), Machine: null, section.Number("share", fallback: 1, 0, 1)),
            "kill" or "crash" or "boot" or "sleep" or "wake" => new Inflict(Enum.Parse<MachineFault>(action, ignoreCase: true), ReadMachine(section, scenario)),
            "partition" => ReadPartition(section, scenario),
            "heal" => new Partition(0),
            "set-parameters" => ReadChange(section, options, scenario.Network),
            "revoke" => new RevokeNode(ReadNode(section, scenario)),
            "rotate-keys" => new RotateKeys(),
            "traffic" => ReadTraffic(section, scenario),
            "stop-traffic" => ReadStopTraffic(section),
            "forge" => new Forge(ReadNode(section, scenario), section.Duration("for", TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))),
            "chaos" => FaultReader.ReadChaos(section),
            "faults" => FaultReader.ReadPlan(section, scenario),
            _ => ReadWorkload(section, scenario, action) ?? Unknown(section, action),
        };
    }

    private static TimeSpan ReadWithin(ScenarioSection section) => section.Duration("within", TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(365));

    private static int ReadAttempts(ScenarioSection section) => section.Integer("attempts", 3, 1, 100);

    private static SetParameters ReadChange(ScenarioSection section, RegistryOptions options, NetworkPrefix network)
    {
        ScenarioSection change = section.Section("parameters", isRequired: true);
        return new SetParameters(ReadRegistry(change, options, network), string.Join(", ", change.Keys));
    }

    private static string ReadMachine(ScenarioSection section, Scenario scenario)
    {
        string name = section.Text("machine", fallback: null);
        if (name.Length > 0 && !scenario.HasMachine(name))
            section.Problem("machine", $"there is no machine '{name}'; nodes are called SITE-NUMBER, for example {scenario.Sites.FirstOrDefault()?.Name}-1, and the registry 'registry'");
        return name;
    }

    /// <summary>The key <c>machine</c>, which has to be a node.</summary>
    internal static string ReadNode(ScenarioSection section, Scenario scenario)
    {
        string name = section.Text("machine", fallback: null);
        if (name.Length > 0 && !scenario.HasNode(name))
            section.Problem("machine", $"there is no node '{name}'; nodes are called SITE-NUMBER, for example {scenario.Sites.FirstOrDefault()?.Name}-1");
        return name;
    }

    private static ScenarioStep? Unknown(ScenarioSection section, string action)
    {
        section.Problem("do", $"'{action}' is not a step; steps are {Steps}");
        return null;
    }
}
