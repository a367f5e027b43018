using System.Globalization;
using System.Text;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Authority;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Tests;

/// <summary>An authority without cryptography: certificates say in plain text what was ordered, "encryption" reverses.</summary>
internal sealed class ModelledAuthority(string network = "2001:db8:42::/48") : IRegistryAuthority
{
    private readonly DeterministicRandom _random = new(7);
    private readonly List<byte[]> _drawn = [];
    private readonly Dictionary<string, string> _requestOf = new(StringComparer.Ordinal);

    public NetworkPrefix Network { get; } = NetworkPrefix.Parse(network);

    public string CertificatePem => "CA\n";

    public DateTimeOffset NotAfter { get; set; } = new(2126, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public List<IssueOrder> Orders { get; } = [];

    /// <summary>Drawn whenever a session key is, or null for others each time.</summary>
    public byte[]? SessionSecret { get; init; }

    /// <summary>How often something was encrypted for a node, which is slow in reality.</summary>
    public int Encryptions { get; private set; }

    public byte[] RandomBytes(int count)
    {
        byte[] octets = new byte[count];
        _random.NextBytes(octets);
        if (count == SessionKey.Length && SessionSecret is { } secret)
            octets = [.. secret];
        _drawn.Add(octets);
        return octets;
    }

    public IssueOutcome Issue(IssueOrder order)
    {
        Orders.Add(order);
        if (order.NotAfter <= order.NotBefore)
            throw new ArgumentException("a certificate that ends before it begins", nameof(order));   // as the real one does
        return order.RequestPem switch
        {
            "garbage" => new RequestRefused(IsMalformed: true, "not a request"),
            "weak" => new RequestRefused(IsMalformed: false, "a weak key"),
            _ => new Issued(Remember(order.RequestPem, Certificate(order.Prefix.CommonName, order.SubjectSerial, order.Serial, order.NotAfter))),
        };
    }

    public bool IsForSameKey(string requestPem, string pem) => _requestOf[pem] == requestPem;

    public string Renew(string pem, ulong serial, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        string[] fields = pem.Split(' ');
        return Remember(_requestOf[pem], Certificate(fields[1], int.Parse(fields[2], CultureInfo.InvariantCulture), serial, notAfter));
    }

    public NetworkVersion SignVersion(ulong number) => NetworkVersion.Create(number, [0x51, 0x52]);

    public byte[] SignRevocation(ulong serial) => Encoding.ASCII.GetBytes($"revoked {serial}");

    /// <summary>The key in plain: found again among what was drawn, for it does not show its secret.</summary>
    public byte[] MakeHello(string pem, SessionKey key) => _drawn.Last(d => d.Length == SessionKey.Length && new SessionKey(d).HeaderFor([]) == key.HeaderFor([]));

    public byte[] EncryptFor(string pem, ReadOnlyMemory<byte> plain)
    {
        Encryptions++;
        return Reverse(plain.ToArray());
    }

    public int MaxPlainLength(string pem) => 245;

    public static string Decrypt(ReadOnlyMemory<byte> cipher) => Encoding.ASCII.GetString(Reverse(cipher.ToArray()));

    private string Remember(string request, string pem)
    {
        _requestOf[pem] = request;
        return pem;
    }

    private static byte[] Reverse(byte[] octets) => [.. Enumerable.Reverse(octets)];

    private static string Certificate(string commonName, int subjectSerial, ulong serial, DateTimeOffset notAfter) =>
        $"CERT {commonName} {subjectSerial} {serial} {notAfter:u}\n";
}
