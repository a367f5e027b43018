using System.Net;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Registry.Dh;
using Mesh.Registry.Geography;
using Mesh.Registry.Http.Mail;
using Mesh.Simulation.Paper;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Files that an operator gets from others, and what stands in their configuration as a text of its own kind.</summary>
internal static class FileTargets
{
    private static readonly IPAddress[] Asked =
    [
        IPAddress.Parse("192.0.2.1"), IPAddress.Parse("255.255.255.255"), IPAddress.Any, IPAddress.IPv6Any, IPAddress.Parse("2001:db8::1"), IPAddress.Parse("::ffff:1.2.3.4"),
        IPAddress.Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Octets("files/countries", Files.Octets("countries", "*.mmdb"), static octets => CountryDatabase.TryOpen(octets, out CountryDatabase? database, out string? problem) ? database : Refused(problem),
            Methods.Name(typeof(CountryDatabase), nameof(CountryDatabase.TryOpen)))
            with { BaseOctets = 32 * 1024, Check = static (_, value) => LookUp((CountryDatabase)value) },
        Target.Text("files/communities", ["# all\n0000 *\n0001 FR DE\n001 @EU @AS\n01 US\n", "0 *\n"],
            static text => Communities.TryParse(text, Network.Prefix, out Communities? communities, out IReadOnlyList<string> problems) ? communities : Refused(problems.FirstOrDefault()),
            Methods.Name(typeof(Communities), nameof(Communities.TryParse)))
            with { Tokens = Target.Encode(["*", "@EU", "FR", "0", "1", "\n", "#", " ", "\r\n", "\n0 *\n", "00000000"]), OctetsPerOctet = 512, Check = static (_, value) => ChooseFrom((Communities)value), TimePerOctet = TimeSpan.FromMicroseconds(20) },
        Target.Text("files/dh-parameters", [FiniteFieldGroup.PemFor(2048), "\n\nx" + FiniteFieldGroup.PemFor(3072)], static text => DhParameters.TryRead(text, out string pem, out string? problem) ? pem : Refused(problem),
            Methods.Name(typeof(DhParameters), nameof(DhParameters.TryRead)))
            with
        {
            Tokens = Target.Encode(["-----BEGIN DH PARAMETERS-----\n", "-----END DH PARAMETERS-----\n", "-----", "=", "\n"]),
            Repairs = [ChangeDh],
            BaseOctets = 64 * 1024,
            Check = static (input, value) => DhParameters.TryRead((string)value, out string again, out _) && again == (string)value ? null : "what it writes it does not read",
        },
        Target.Text("files/mail-host", ["mail.example", "mail.example:587", "[2001:db8::1]:25", "192.0.2.1", "2001:db8::1"], ParseHost, Methods.Name(typeof(SmtpMailOptions), nameof(SmtpMailOptions.TryParseHost)))
            with { Tokens = Target.Tokens("[ ] : :: . :25 [] [::1]"), MaxLength = 300, OctetsPerOctet = 128, Check = static (_, value) => ((SmtpMailOptions)value).Validate().FirstOrDefault() },
        Target.Text("files/latencies", ["1000 2000 99\n3000\t 100\r\n0\n\n", "100 200\n300", "1 2 3 4\n1 2 3\n1 2\n1\n"], static text => LatencyFile.Parse(text, "fuzz"), Methods.Name(typeof(LatencyFile), nameof(LatencyFile.Parse)))
            with
        {
            Expected = typeof(LatencyFileException),
            CheckRefusal = static (_, thrown) => ((LatencyFileException)thrown).Problems is { Count: > 0 } problems && problems.All(static problem => problem.StartsWith("fuzz:", StringComparison.Ordinal) && !problem.Any(char.IsControl)) ? null : "it says nothing, or what can deceive a terminal",
            Tokens = Target.Encode(["\n", " ", "\t", "0", "99", "100", "10000000", "10000001", "-1", "1.5", "\r\n", "\n\n"]),
            OctetsPerOctet = 512,
            Check = static (_, value) => AskLatencies((LatencyFile)value),
        },
    ];

    private static string? AskLatencies(LatencyFile file)
    {
        for (int i = 0; i < file.Nodes; i++)
        {
            for (int j = 0; j < file.Nodes; j++)
            {
                int time = file.Microseconds(i, j);
                if (time != file.Microseconds(j, i) || time is not (0 or (>= LatencyFile.LeastKnown and <= LatencyFile.Largest)))
                    return $"from {i} to {j} it is {time}";
            }
        }

        return null;
    }

    private static object? Refused(string? problem) => string.IsNullOrEmpty(problem) ? throw new InvalidOperationException("refused without a reason") : null;

    private static string? LookUp(CountryDatabase database)
    {
        foreach (IPAddress address in Asked)
        {
            if (database.Find(address) is { } country && country.Code.Length + country.Continent.Length == 0)
                return $"{address} is in a country without a name";
        }

        return database.Type.Any(char.IsControl) ? "its type can deceive a terminal" : null;
    }

    private static string? ChooseFrom(Communities communities)
    {
        bool isKnown = new Country?[] { null, new Country("FR", "EU"), new Country("", "AS") }.All(place => communities.Prefixes.Contains(communities.Choose(place)));
        return isKnown && communities.Prefixes.All(static prefix => !prefix.IsEmpty && prefix.FitsIn(Network.Prefix)) ? null : "it chooses what it does not have";
    }

    private static object? ParseHost(string text) => SmtpMailOptions.TryParseHost(text, out string host, out int port) ? new SmtpMailOptions { Host = host, Port = port } : null;

    private static byte[] ChangeDh(Actors.DeterministicRandom random, byte[] text)
    {
        string pem = FuzzInput.TextOf(text);
        return System.Security.Cryptography.PemEncoding.TryFind(pem, out System.Security.Cryptography.PemFields fields)
            ? System.Text.Encoding.ASCII.GetBytes(System.Security.Cryptography.PemEncoding.WriteString(DhParameters.Label, DerTree.Mutate(random, Convert.FromBase64String(pem[fields.Base64Data]))))
            : text;
    }
}
