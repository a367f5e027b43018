using System.Collections.Immutable;
using System.Net;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Dh;
using Mesh.Registry.Geography;
using Mesh.Registry.Mail;

namespace Mesh.Registry;

/// <summary>Settings of a registry.</summary>
public sealed record RegistryOptions
{
    private const int MaxIpv4SubnetLength = 16;   // protocol reference 9.4

    /// <summary>Protocol number that the registry speaks.</summary>
    public const int Protocol = 10;

    /// <summary>A mistake on purpose, for tests.</summary>
    internal RegistryMutation Mutation { get; init; }

    /// <summary>Length in bits of the prefix that a new token gives; 1..(128 - network length), 0 closes the registration by token. Default 16.</summary>
    public int PrefixLength { get; init; } = 16;

    /// <summary>Length in bits of the prefix of a node without token; 0 (the default) refuses such nodes.</summary>
    public int AnonymousPrefixLength { get; init; }

    /// <summary>How long a token is good unless it says otherwise, and how long a prefix is kept after its certificate expired. At least 1 day, default 100 days.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(8_640_000);

    /// <summary>Validity of a certificate. More than <see cref="RenewPeriod"/>, default 365 days.</summary>
    public TimeSpan CertificateLifetime { get; init; } = TimeSpan.FromDays(365);

    /// <summary>A certificate is renewed when it ends within this time. Default 30 days.</summary>
    public TimeSpan RenewPeriod { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How many signatures may be under way before further requests are refused as overload; 1..10000, default 64.</summary>
    public int MaxPendingSignatures { get; init; } = 64;

    /// <summary>How many calls may be under way before further ones are refused as overload; 1..100000, default 512.</summary>
    public int MaxCalls { get; init; } = 512;

    /// <summary>How long a call may take before it is answered as overload; 1 s..60 s, default 30 s.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long advertised addresses are believed; nodes refresh theirs every 3 minutes. Default 10 minutes.</summary>
    public TimeSpan AdvertisementLifetime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A snapshot is taken after so many events; at least 10, default 1000.</summary>
    public int SnapshotInterval { get; init; } = 1000;

    /// <summary>Addresses from which private methods may be called. Default: this machine.</summary>
    public ImmutableSortedSet<string> AuthorizedOrigins { get; init; } = ImmutableSortedSet.Create(StringComparer.Ordinal, "127.0.0.1", "::1");

    /// <summary>Nodes with a smaller protocol number stop; 1..10, default 1.</summary>
    public int MinProtocol { get; init; } = 1;

    /// <summary>Interval of Babel's Hellos; whole seconds, 1..600, default 15 s.</summary>
    public TimeSpan Hello { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many tunnels a node opens; 1..1000, default 10.</summary>
    public int ClientCount { get; init; } = 10;

    /// <summary>How many tunnels a node serves; 1..10000, default twice <see cref="ClientCount"/>.</summary>
    public int? MaxClients { get; init; }

    /// <summary>How often a node replaces a tunnel; whole seconds, 10..86400, default 300 s.</summary>
    public TimeSpan TunnelRefresh { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Whether tunnels hide what they carry. Default true.</summary>
    public bool Encrypt { get; init; } = true;

    /// <summary>IPv4 network for payload, <c>ADDRESS/LENGTH</c> without bits beyond its length, or null for none.</summary>
    public string? Ipv4 { get; init; }

    /// <summary>Bits of the nodes' numbers in <see cref="Ipv4"/>; 1..16, and together with the network's length at most 32. Default 0: no IPv4.</summary>
    public int Ipv4SubnetLength { get; init; }

    /// <summary>Countries, ISO 3166 codes of two capital letters, whose nodes only have tunnels inside the country. Default none.</summary>
    public ImmutableSortedSet<string> SameCountry { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Defaults of the routing daemon's interfaces, in the words of babeld; 1..500 printable characters.</summary>
    public string BabelDefault { get; init; } = "max-rtt-penalty 5000 rtt-max 500 rtt-decay 125";

    /// <summary>What nodes wait before a restart that a change of parameters needs, in addition to 1 s; null (the default) leaves it to them. Up to 1 day.</summary>
    public TimeSpan? DelayRestart { get; init; }

    /// <summary>
    /// How long after a step of the key rotation the next one is held to be safe. At least 10 s, default 2 hours: a node that missed the news asks again when its
    /// hourly check has failed twice (protocol reference 4.8).
    /// </summary>
    public TimeSpan RotationStepTime { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Whether routing messages are authenticated with a key that the registry gives to every node. Default true.</summary>
    public bool BabelAuthentication { get; init; } = true;

    /// <summary>Which part of the network nodes get their prefixes from; null (the default): all of it.</summary>
    public Communities? Communities { get; init; }

    /// <summary>Diffie-Hellman parameters for nodes, PEM. Default: a group of RFC 7919 with 2048 bits.</summary>
    public string DhParameters { get; init; } = FiniteFieldGroup.PemFor(2048);

    /// <summary>Settings of mails; null (the default): nobody gets a token by mail.</summary>
    public MailOptions? Mail { get; init; }

    /// <summary>Every setting that breaks its rule, one sentence each.</summary>
    /// <param name="network">The network that the authority states.</param>
    public IEnumerable<string> Validate(NetworkPrefix network)
    {
        int room = network.HostBits;
        if (PrefixLength < 0 || PrefixLength > room)
            yield return $"prefix-length is {PrefixLength}; a /{network.Length} network has room for 1 to {room} bits, and 0 closes the registration";
        if (AnonymousPrefixLength < 0 || AnonymousPrefixLength > room)
            yield return $"anonymous-prefix-length is {AnonymousPrefixLength}; a /{network.Length} network has room for 1 to {room} bits, and 0 refuses anonymous nodes";
        if (GracePeriod < TimeSpan.FromDays(1))
            yield return $"grace-period is {GracePeriod}; it has to be 1 day at least";
        if (RenewPeriod <= TimeSpan.Zero || CertificateLifetime <= RenewPeriod)
            yield return $"certificate-lifetime is {CertificateLifetime}; it has to be more than renew-period, which is {RenewPeriod} and has to be positive";
        foreach (string problem in Range("max-pending-signatures", MaxPendingSignatures, 1, 10_000)
            .Concat(Range("max-calls", MaxCalls, 1, 100_000))
            .Concat(Range("snapshot-interval", SnapshotInterval, 10, 1_000_000))
            .Concat(Range("min-protocol", MinProtocol, 1, Protocol))
            .Concat(Range("client-count", ClientCount, 1, 1000))
            .Concat(Range("max-clients", MaxClients ?? 1, 1, 10_000))
            .Concat(Seconds("call-timeout", CallTimeout, 1, 60))
            .Concat(Seconds("rotation-step-time", RotationStepTime, 10, 30 * 86_400))
            .Concat(Seconds("delay-restart", DelayRestart ?? TimeSpan.Zero, 0, 86_400))
            .Concat(Ipv4Problems())
            .Concat(Seconds("advertisement-lifetime", AdvertisementLifetime, 10, 86_400))
            .Concat(Seconds("hello", Hello, 1, 600))
            .Concat(Seconds("tunnel-refresh", TunnelRefresh, 10, 86_400)))
        {
            yield return problem;
        }

        foreach (string problem in Mail?.Validate() ?? [])
            yield return problem;
        foreach (string country in SameCountry.Where(static country => country is not [>= 'A' and <= 'Z', >= 'A' and <= 'Z']))
            yield return $"same-country has '{country}', which is not a country code of two capital letters";
        if (BabelDefault.Length is 0 or > 500 || BabelDefault.Any(char.IsControl))
            yield return "babel-default has to be 1 to 500 printable characters";
        foreach (string origin in AuthorizedOrigins)
        {
            if (!IPAddress.TryParse(origin, out _))
                yield return $"authorized-origin has '{origin}', which is not an IP address";
        }
    }

    /// <summary>The network's parameters as these settings say, without what only the registry's state knows.</summary>
    internal NetworkParameters ToParameters(NodePrefix registryPrefix, NetworkVersion version, IEnumerable<ulong> revokedSerials) => new()
    {
        Version = version,
        Protocol = Protocol,
        RegistryPrefix = registryPrefix,
        RevokedSerials = [.. revokedSerials],
        MinProtocol = MinProtocol,
        Hello = Hello,
        ClientCount = ClientCount,
        MaxClients = MaxClients ?? 2 * ClientCount,
        TunnelRefresh = TunnelRefresh,
        Encrypt = Encrypt,
        BabelDefault = BabelDefault,
        Ipv4 = Ipv4,
        Ipv4SubnetLength = Ipv4 is null ? null : Ipv4SubnetLength,
        SameCountry = SameCountry.IsEmpty ? null : [.. SameCountry],
        DelayRestart = DelayRestart,
    };

    private IEnumerable<string> Ipv4Problems()
    {
        if (Ipv4 is null)
        {
            if (Ipv4SubnetLength != 0)
                yield return "ipv4-subnet-length needs ipv4";
            yield break;
        }

        if (!NetworkParameters.IsIpv4Network(Ipv4))
            yield return $"ipv4 is '{Ipv4}'; it has to be an IPv4 network without bits beyond its length, as in 10.42.0.0/16";
        else if (32 - IPNetwork.Parse(Ipv4).PrefixLength is var room && (Ipv4SubnetLength < 1 || Ipv4SubnetLength > Math.Min(MaxIpv4SubnetLength, room)))
            yield return $"ipv4-subnet-length is {Ipv4SubnetLength}; it has to be 1 to {Math.Min(MaxIpv4SubnetLength, room)} with ipv4 {Ipv4}";
    }

    private static IEnumerable<string> Range(string name, int value, int min, int max)
    {
        if (value < min || value > max)
            yield return $"{name} is {value}; it has to be {min} to {max}";
    }

    private static IEnumerable<string> Seconds(string name, TimeSpan value, int min, int max)
    {
        if (value.Ticks % TimeSpan.TicksPerSecond != 0 || value.TotalSeconds < min || value.TotalSeconds > max)
            yield return $"{name} is {value.TotalSeconds:0.###} s; it has to be whole seconds, {min} to {max}";
    }
}
