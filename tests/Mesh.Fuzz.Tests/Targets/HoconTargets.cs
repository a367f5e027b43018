using System.Globalization;
using System.Text;
using Mesh.Cli.Configuration;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Hocon;
using Mesh.Hocon.Configuration;
using Mesh.Hocon.Schema;
using Mesh.Simulation.Scenarios;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Configuration files, what their values are converted to, and scenarios.</summary>
internal static class HoconTargets
{
    private const string FileName = "fuzz.conf";

    private static readonly HoconOrigin Place = new(HoconSource.File, FileName, 1, 1);

    // Limits so low that reaching one is cheap.
    private static readonly HoconOptions Options = HoconOptions.Default with
    {
        Loader = new Includes(),
        Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = "/srv/jo" },
        MaxDepth = 32,
        MaxIncludeDepth = 4,
        MaxIncludes = 8,
        MaxResolveSteps = 20_000,
        MaxResolvedSize = 100_000,
    };

    private static readonly string[] Documents =
    [
        "node { name = \"eth\\u0030 \\\"x\\\"\", prefix = \"2001:db8::/32\"\n tunnels { client-count = 10, ports = [1, 2\n 3, ] }\n tunnels.min = ${node.tunnels.client-count} // seen\n path = [a] [b]\n path += ${node.name}-c\n \"a.b\".\"\" : 1.5e+3 }",
        "a { x = 1, a = ${a.x}2 }\nb = ${a} { y = ${b.x}, z = ${?b.q} }\nb = ${?c}\nd = ${b}${a}{ x = ${d.y} }\nd { e = [${a}, ${b}] }",
        """{"json":{"list":[1,-2.5e10,true,null,"s\t"],"empty":{}},"x":[[],[{}]],"include":{"y":"z"}}""",
        "include \"other\"\ninclude required(file(\"other\"))\nbar = 10 ms, q = ${HOME}/x\ntext = \"\"\"line\n\"quoted\" \"\"\"\"",
        "[1, 2, [3]]",
        "",
    ];

    private static readonly IReadOnlyList<byte[]> Pieces = Target.Encode(
        ["{", "}", "[", "]", "${", "${?", "+=", "=", ":", ",", "\n", "\"", "\"\"\"", ".", " ", "#", "//", "\\u12", "\\", "include ", "include \"other\"", "a", "${a}", "b", "null", "true", "1e5", "${node}", "${d}", "a.", "a=", "a=${a}", "a += ${a}", "{a:", "[a,", "\u2028"]);

    private static readonly string[] Scalars =
    [
        "0", "-1", "10 ms", "5d", "1.5 h", "100 ns", "1 us", "2 minutes", "10 KiB", "3MB", "1.5 GiB", "512k", "1e3", "1e-3", "9223372036854775807", "yes", "off", "true", "0.1", "922337203685477580700 ns", "10675199 d",
        "[::1]:326", "2001:db8::/32", "https://registry.example/", "2.5e10",
    ];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Document("hocon/document", Documents, static text => HoconWriter.ToJson(HoconDocument.Parse(text, FileName, Options).Resolve(Options)), Methods.Name(typeof(HoconDocument), nameof(HoconDocument.Parse))) with
        {
            Share = 3,
            // What is written is read as the same again, and needs nothing from outside.
            Check = static (_, json) => HoconWriter.ToJson(HoconDocument.Parse((string)json, FileName, Options with { MaxDepth = 64 }).Resolve()) is var again && again == (string)json ? null : $"{json} becomes {again}",
        },
        Document("hocon/path", ["a.b", "\"a.b\".c", "a b.c", "\"\""], static text => HoconPath.Parse(text), Methods.Name(typeof(HoconPath), nameof(HoconPath.Parse)))
            with { Check = static (_, value) => HoconPath.Parse(value.ToString()!).Equals((HoconPath)value) ? null : $"{value} becomes {HoconPath.Parse(value.ToString()!)}" },
        Target.Text("hocon/values", Scalars, Convert) with
        {
            Tokens = Target.Tokens("ns us ms s m h d nanoseconds days B kB KiB K k MB YiB YB zettabytes yes on off true - + e E . 1e28 1e-28 1e-7 0.01 µs"),
            MaxLength = 200,
            BaseOctets = 32 * 1024,
            OctetsPerOctet = 512,
        },
        Target.Octets("hocon/provider", Target.Encode(Documents.Where(static text => text.Length > 0 && !text.Contains("include", StringComparison.Ordinal) && text[0] != '[')), LoadProvider)
            with { Expected = typeof(HoconException), Tokens = Pieces, OctetsPerOctet = 1500, BaseOctets = 64 * 1024, TimePerOctet = TimeSpan.FromMicroseconds(100), MaxLength = 2000 },
        Document("hocon/configuration", [.. Files.Texts("hocon", "*.conf").Where(static text => text.Length < 2000), "node.tunnels { client-count = 3 }\nlog.level = debug", "registry.listen = [\"[::1]:80\"]"], Configure)
            with
        {
            Expected = null,
            Tokens =
            [
                .. Pieces, .. Target.Encode(MeshSchema.Schema.Keys.Select(static key => $"\n{key.Path} = ")), .. Target.Encode(MeshSchema.Schema.Keys.Select(static key => $"\n{key.Path} = {key.DefaultText ?? "x"}\n")),
                .. Target.Encode(Scalars),
            ],
            BaseOctets = 16 * 1024 * 1024,
            OctetsPerOctet = 4000,
            Share = 4,
            BaseTime = TimeSpan.FromMilliseconds(300),
        },
        Document("simulation/scenario", [.. Files.Texts("scenarios", "*.conf"), "scenario { name = x, sites = [{ name = a, nodes = 10000 }], steps = [{ do = boot, machine = a-7 }] }", "[scenario]"], static text =>
        {
            Scenario scenario = ScenarioReader.Parse(text, FileName);
            _ = ScenarioTree.Parse(text);   // takes whatever the reader takes
            return scenario;
        }, Methods.Name(typeof(ScenarioReader), nameof(ScenarioReader.Parse)), Methods.Name(typeof(ScenarioTree), nameof(ScenarioTree.Parse))) with
        {
            Expected = typeof(ScenarioException),
            CheckRefusal = static (_, thrown) => ((ScenarioException)thrown).Problems is { Count: > 0 } problems && problems.All(static problem => problem.Length > 0) ? null : "it says nothing",
            Check = static (_, value) => CheckScenario((Scenario)value),
            Tokens = [.. Pieces, .. Target.Encode(["{ name = x, nodes = 10000 }", "{ do = wait, for = 1 d }", "nodes = ", "for = 1e3", "for = 3 s", "do = kill, machine = relay-1", "machine = ", "loss = ", "nat = ", "hello = 4 s", "prefix-length = ", "network = \"2001:db8::/127\"", "max-clients = ", "{ do = boot, machine = registry-node }"])],
            OctetsPerOctet = 2000,
            Share = 2,
            MaxLength = 3000,
        },
    ];

    private static FuzzTarget Document(string name, IEnumerable<string> corpus, Func<string, object?> run, params IReadOnlyList<string> covers) => Target.Text(name, corpus, run, covers) with
    {
        Expected = typeof(HoconException),
        CheckRefusal = static (input, thrown) => ProblemOfPlace(input.Text, ((HoconException)thrown).Origin),
        Tokens = Pieces,
        OctetsPerOctet = 1500,
        BaseOctets = 256 * 1024,
        MaxLength = 2000,
        BaseTime = TimeSpan.FromMilliseconds(100),
        TimePerOctet = TimeSpan.FromMicroseconds(100),
    };

    private static string? ProblemOfPlace(string text, HoconOrigin origin)
    {
        if (origin.Source != HoconSource.File || origin.Name is not (FileName or "path"))
            return null;
        string[] lines = text.Split('\n');
        return origin.Line >= 1 && origin.Line <= lines.Length && origin.Column >= 1 && origin.Column <= lines[origin.Line - 1].Length + 1 ? null : $"{origin} is not in the text";
    }

    // Every conversion of one scalar. What a schema writes for a value has to be read as that value.
    private static object? Convert(string text)
    {
        var value = new HoconScalar(HoconConvert.IsNumber(text) ? HoconKind.Number : HoconKind.String, text, Place);
        object?[] read =
        [
            Read(ConfigTypes.Boolean, value), Read(ConfigTypes.Int, value), Read(ConfigTypes.Long, value), Read(ConfigTypes.Double, value), Read(ConfigTypes.Duration, value), Read(ConfigTypes.Size, value),
            Read(ConfigTypes.EndPoint, value), Read(ConfigTypes.Prefix, value), Read(ConfigTypes.Url, value), Read(ConfigTypes.Enum<MachineFault>(), value), HoconConvert.TryToDuration(value, out TimeSpan duration) ? duration : null,
        ];
        if (HoconConvert.TryToInt64(value, out long whole) && !IsExactly(text, whole))
            throw new InvalidOperationException($"'{text}' is read as the whole number {whole}");
        return Array.Find(read, static one => one is not null);
    }

    private static object? Read<T>(ConfigType<T> type, HoconValue value)
        where T : notnull
    {
        if (!type.TryRead(value, out T? read))
            return null;
        string written = type.Write(read);
        HoconValue again = ((HoconObject)HoconDocument.Parse($"x = {written}", FileName).Resolve()).Find("x")!;
        return type.TryRead(again, out T? second) && EqualityComparer<T>.Default.Equals(read, second)
            ? read
            : throw new InvalidOperationException($"{type.Name}: '{value}' is read as {read}, which is written as {written}, which is read as {second?.ToString() ?? "nothing"}");
    }

    // By hand, digit by digit: the same number, not one that rounding made of it.
    private static bool IsExactly(string text, long whole)
    {
        string mantissa = text.Split('e', 'E')[0];
        if (text.Length > mantissa.Length && !int.TryParse(text.AsSpan(mantissa.Length + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            return mantissa.Trim('-', '0', '.').Length == 0 && whole == 0;
        int exponent = text.Length > mantissa.Length ? int.Parse(text.AsSpan(mantissa.Length + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int scale = exponent - (point < 0 ? 0 : mantissa.Length - point - 1);
        var number = System.Numerics.BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        if (number.IsZero)
            return whole == 0;
        if (Math.Abs((long)scale) > 1000)
            return false;
        return scale >= 0 ? number * System.Numerics.BigInteger.Pow(10, scale) == whole : number == whole * System.Numerics.BigInteger.Pow(10, -scale);
    }

    private static object? LoadProvider(byte[] octets)
    {
        var provider = new HoconConfigurationProvider(new HoconConfigurationSource { Options = Options });
        provider.Load(new MemoryStream(octets, writable: false));
        return provider.GetChildKeys([], null).Count();
    }

    // All keys of the program. What it shows of a configuration is a configuration that means the same.
    private static object? Configure(string text)
    {
        ConfigResult result = Resolve(text);
        foreach (ConfigProblem problem in result.Problems)
        {
            if (problem.Message.Length == 0 || (problem.File == FileName && ProblemOfPlace(text, Place with { Line = problem.Line, Column = problem.Column }) is not null))
                throw new InvalidOperationException($"{problem} is not in the text, or says nothing");
        }

        string shown = result.Config.Show(withOrigin: true), json = result.Config.ToJson();
        if (result.Problems.Count > 0)
            return null;
        Map(result.Config);
        ConfigResult again = Resolve(shown);
        return again.Problems.Count == 0 && again.Config.ToJson() == json ? json.Length : throw new InvalidOperationException($"it is shown as\n{shown}\nof which the first problem is: {again.Problems.FirstOrDefault()}");
    }

    // What the schema lets through the parts of the program can be made of, or they say in sentences why not.
    private static void Map(ResolvedConfig config)
    {
        List<string> problems =
        [
            .. RegistryKeys.Map(config).Validate(Network.Prefix), .. RegistryKeys.MapServer(config).Validate(), .. BabelKeys.Map(config).Problems(), .. ClusterKeys.Map(config, static _ => { }).Validate(),
        ];
        _ = (TunnelKeys.Map(config), PeersKeys.Map(config), SimulationKeys.MapInternet(config));
        try
        {
            _ = NodeSettings.From(config).ToString();
        }
        catch (CommandFailedException refused)
        {
            problems.Add(refused.Message);
        }

        if (problems.Exists(static problem => problem.Length == 0))
            throw new InvalidOperationException("a problem without words");
    }

    private static ConfigResult Resolve(string text) => MeshSchema.Schema.Resolve(new ConfigSources { Files = [FileName], Options = Options with { Loader = new Includes(text) } });

    private static string? CheckScenario(Scenario scenario)
    {
        if (scenario.Sites.Count == 0 || scenario.NodeCount is < 1 or > 20_001)
            return $"it has {scenario.NodeCount} nodes";
        if (scenario.Internet.Loss is < 0 or > 0.99 || scenario.DiameterMilliseconds is < 0 or > 1000)
            return "a number is out of its range";
        return scenario.Registry.Validate(scenario.Network).FirstOrDefault() ?? (scenario.Steps.All(static step => step.Title.Length > 0) ? null : "a step has no title");
    }

    // Files in memory: the input, and one that it may include.
    private sealed class Includes(string? input = null) : IHoconLoader
    {
        public string Locate(string name, string including) => name;

        public string? Load(string path, int maxLength) => path switch
        {
            FileName => input,
            "other" => "shared = ${?node.name}\ninclude \"other.conf\"",
            "other.conf" => "more { a = [1] }",
            _ => null,
        };
    }
}
