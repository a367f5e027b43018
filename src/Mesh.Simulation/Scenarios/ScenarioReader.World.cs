using Mesh.Protocol.Peer;
using Mesh.Protocol.Tunnel;
using Mesh.Simulation.Paper;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.Underlay.Geography;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <content>Where sites are, and what they are like.</content>
public static partial class ScenarioReader
{
    private const double MaxStretch = 10;

    private static readonly TimeSpan MaxSkew = TimeSpan.FromDays(36_500);

    private static LatencyModel ReadLatency(ScenarioSection section, string directory)
    {
        bool hasMatrix = section.Has("matrix");
        string model = section.Word("model", hasMatrix ? "matrix" : "plane", "plane", "geography", "matrix");
        double stretch = section.Number("stretch", GlobeLatency.DefaultStretch, 1, MaxStretch);
        if (section.Has("stretch") && model != "geography")
            section.Problem("stretch", "only model = geography has a stretch");
        if (hasMatrix && model != "matrix")
            section.Problem("matrix", $"expected model = matrix, not {model}");
        LatencyModel read = model switch
        {
            "geography" => new GlobeLatency(stretch),
            "matrix" => ReadMatrix(section, directory),
            _ => PlaneLatency.Instance,
        };
        section.Finish();
        return read;
    }

    private static LatencyModel ReadMatrix(ScenarioSection section, string directory)
    {
        string file = section.Text("matrix", fallback: null);
        if (file.Length == 0)
            return PlaneLatency.Instance;   // reported as missing already
        try
        {
            return new MatrixLatency(LatencyFile.Load(Path.Combine(directory, file)));
        }
        catch (LatencyFileException e)
        {
            foreach (string problem in e.Problems)
                section.Problem("matrix", problem);
            return PlaneLatency.Instance;
        }
    }

    // What holds for all sites that do not say otherwise.
    private static SiteOptions ReadCommon(ScenarioSection section) => new()
    {
        Access = ReadLine(section.Section("line", isRequired: false), AccessLink.Perfect),
        ClockSkew = ReadSkew(section, TimeSpan.Zero),
    };

    private static SiteOptions ReadRegistrySite(ScenarioSection section, LatencyModel model, SiteOptions common)
    {
        SiteOptions site = SiteOptions.Anywhere with
        {
            Place = ReadPlace(section, model),
            Access = ReadLine(section.Section("line", isRequired: false), common.Access),
            ClockSkew = ReadSkew(section, common.ClockSkew),
        };
        section.Finish();
        return site;
    }

    private static Site ReadSite(ScenarioSection section, LatencyModel model, SiteOptions common)
    {
        NatKind? kind = ReadNat(section);
        string cipher = section.Word("cipher", "", "aes-256-gcm", "chacha20-poly1305");
        var site = new Site(section.Text("name", fallback: null), kind is not null, section.Integer("nodes", 1, 1, 10_000), section.Flag("maps-ports", fallback: false))
        {
            JoinsLater = section.Word("join", "start", "start", "later") == "later",
            Options = common with
            {
                Place = ReadPlace(section, model),
                Access = ReadLine(section.Section("line", isRequired: false), common.Access),
                NatKind = kind ?? NatKind.Restricted,
                NatTimeout = section.Duration("nat-timeout", common.NatTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
                HasCarrierNat = section.Flag("carrier-nat", fallback: false),
                ClockSkew = ReadSkew(section, common.ClockSkew),
                IsLan = section.Flag("lan", fallback: false),
                Underlay = section.Word("underlay", "ipv4", "ipv4", "ipv6", "both") switch { "ipv6" => UnderlayFamily.Ipv6, "both" => UnderlayFamily.Both, _ => UnderlayFamily.Ipv4 },
                Protocol = section.Integer("protocol", PeerDatagram.Protocol, 1, PeerDatagram.Protocol),
                TellsCapabilities = section.Flag("tells-capabilities", fallback: true),
                Cipher = cipher switch { "aes-256-gcm" => SealingCipher.Aes256Gcm, "chacha20-poly1305" => SealingCipher.ChaCha20Poly1305, _ => null },
            },
        };
        if (kind is not null && site.Options.Underlay == UnderlayFamily.Ipv6)
            section.Problem("underlay", "NAT is of IPv4: expected underlay = both for public addresses of IPv6 behind it");
        if (kind is null && site.MapsPorts)
            section.Problem("maps-ports", "only a site behind NAT has a box that could map ports");
        if (kind is null && section.Has("nat-timeout"))
            section.Problem("nat-timeout", "only a site behind NAT has a box with mappings");
        if (kind is null && site.Options.HasCarrierNat)
            section.Problem("carrier-nat", "only a site behind NAT can be behind a second one");
        section.Finish();
        return site;
    }

    private static NatKind? ReadNat(ScenarioSection section)
    {
        if (section.IsFlag("nat"))
            return section.Flag("nat", fallback: false) ? NatKind.Restricted : null;
        return section.Word("nat", "", "true", "false", "full-cone", "restricted", "port-restricted", "symmetric") switch
        {
            "full-cone" => NatKind.FullCone,
            "restricted" => NatKind.Restricted,
            "port-restricted" => NatKind.PortRestricted,
            "symmetric" => NatKind.Symmetric,
            _ => null,
        };
    }

    private static TimeSpan ReadSkew(ScenarioSection section, TimeSpan standard) => section.Duration("clock-skew", standard, TimeSpan.Zero, MaxSkew);

    private static AccessLink ReadLine(ScenarioSection section, AccessLink standard)
    {
        AccessLink line = standard with
        {
            UpBitsPerSecond = section.Rate("up", standard.UpBitsPerSecond),
            DownBitsPerSecond = section.Rate("down", standard.DownBitsPerSecond),
            Queue = section.Duration("queue", standard.Queue, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1)),
            Jitter = section.Duration("jitter", standard.Jitter, TimeSpan.Zero, TimeSpan.FromSeconds(10)),
            Loss = section.Number("loss", standard.Loss, 0, 0.99),
        };
        section.Finish();
        return line;
    }

    private static Place? ReadPlace(ScenarioSection section, LatencyModel model)
    {
        bool hasCity = section.Has("city"), hasDegrees = section.Has("latitude") || section.Has("longitude"), hasRow = section.Has("row");
        string name = section.Text("city", "");
        if ((hasCity || hasDegrees) && model is not GlobeLatency)
            section.Problem(hasCity ? "city" : section.Has("latitude") ? "latitude" : "longitude", "expected latency { model = geography } for places on the Earth");
        if (hasCity && hasDegrees)
            section.Problem("city", "expected either a city or latitude and longitude");
        if (hasRow && model is not MatrixLatency)
            section.Problem("row", "expected latency { matrix = FILE } for a row of it");
        if (hasRow)
            return MatrixLatency.Row(section.Integer("row", 0, 0, Math.Max(0, (model.Places ?? 1) - 1)));
        if (hasDegrees)
            return new Place(section.Number("latitude", fallback: null, -90, 90), section.Number("longitude", fallback: null, -180, 180));
        if (!hasCity)
            return null;
        if (Cities.Find(name) is { } city)
            return city.Place;
        section.Problem("city", $"there is no city '{name}'; expected latitude and longitude, or one of {string.Join(", ", Cities.All.Select(static one => one.Name))}");
        return null;
    }
}
