using System.Net;
using Mesh.Hocon.Schema;

namespace Mesh.Hocon.Tests;

/// <summary>A small schema with a key of each type.</summary>
internal static class SchemaExample
{
    public enum Lock
    {
        None,
        SoftLock,
        HardLock,
    }

    public static readonly ConfigKey<int> ClientCount = ConfigKey.Int(
        "node.tunnels.client-count", new() { Meaning = "How many tunnels this node opens itself.", Cost = "Each costs keep-alives.", Default = 10 }, min: 1, max: 100);

    public static readonly ConfigKey<int> MaxClients = ConfigKey.Int("node.tunnels.max-clients", new() { Meaning = "How many tunnels others may open.", Default = 20 }, min: 0);

    public static readonly ConfigKey<TimeSpan> Hello = ConfigKey.Duration(
        "node.babel.hello-interval", new() { Meaning = "How often a Hello is sent.", Cost = "Shorter finds failures sooner and costs bandwidth.", Default = TimeSpan.FromSeconds(4) },
        min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromMinutes(5));

    public static readonly ConfigKey<Uri> Registry = ConfigKey.Url("node.registry", new() { Meaning = "Where the registry answers.", Required = true });

    public static readonly ConfigKey<string> Password = ConfigKey.Text("node.password", new() { Meaning = "Opens the key.", Secret = true });

    public static readonly ConfigKey<long> Pin = ConfigKey.Long("node.pin", new() { Meaning = "A number nobody may see.", Secret = true }, min: 1000, max: 99999999);

    public static readonly ConfigKey<IReadOnlyList<string>> Tokens = ConfigKey.TextList("node.tokens", new() { Meaning = "Tokens.", Secret = true });

    public static readonly ConfigKey<string> Interface = ConfigKey.Text(
        "node.interface", new() { Meaning = "The name of the \"TUN\" device.", Default = "mesh0", Range = "1 to 15 characters", Check = name => name.Length is >= 1 and <= 15 });

    public static readonly ConfigSchema Example = new(
    [
        ClientCount, MaxClients, Hello, Registry, Password, Pin, Tokens, Interface,
        ConfigKey.Boolean("node.encrypt", new() { Meaning = "Hide the packets.", Default = true }),
        ConfigKey.Double("node.factor", new() { Meaning = "A factor.", Default = 3.5 }, min: 1, max: 10),
        ConfigKey.Size("node.buffer", new() { Meaning = "Octets to keep.", Default = 64 * 1024 }, min: 1024),
        ConfigKey.Enum("node.lock", new KeyOptions<Lock> { Meaning = "How to lock.", Default = Lock.SoftLock }),
        ConfigKey.EndPoint("node.listen", new() { Meaning = "Where to listen.", Default = new IPEndPoint(IPAddress.IPv6Any, 326) }),
        ConfigKey.EndPoint("node.advertise", new() { Meaning = "What to tell others; not set means found out." }),
        ConfigKey.Prefix("node.prefix", new() { Meaning = "The network.", Default = "2001:db8::/32" }),
        ConfigKey.TextList("node.names", new() { Meaning = "Other names, with a comment sign # and a \"quote\".", Default = ["a", "b # \"c\""] }),
        ConfigKey.Text("log.level", new() { Meaning = "How much to log.", Default = "info", Allowed = ["debug", "info", "warning"] }),
    ],
    [new ConfigRule("clients-fit", [ClientCount, MaxClients], "client-count must not exceed max-clients", config => config.Get(ClientCount) <= config.Get(MaxClients))],
    freeSections: ["vars"]);

    public static ConfigSources Sources(string text = "node.registry = \"https://registry.example/\"", params (string Name, string Text)[] more)
        => new() { Files = ["node.conf", .. more.Select(file => file.Name)], Options = Hocon.Files([("node.conf", text), .. more]) };

    public static Dictionary<string, string> Variables(params (string Name, string Value)[] variables)
        => variables.ToDictionary(variable => variable.Name, variable => variable.Value, StringComparer.Ordinal);
}
