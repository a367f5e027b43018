using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Mesh.Actors.Persistence.Postgres;
using Mesh.DataPlane.Sealing;
using Mesh.Registry.Calls;

namespace Mesh.Registry.Http.Cluster;

/// <summary>The header by which one process of a cluster tells the leader whose request it passes on, and proves that it may say so.</summary>
/// <remarks>
/// <code>Mesh-Forwarded: PEER SENDER COUNTER MAC</code>
/// PEER is the address of the client's end of the connection; SENDER are 16 hexadecimal digits that the sending process draws for each leader; COUNTER rises with each request, from 0;
/// MAC is base64 of HMAC-SHA256, with the leader's secret, over all of that and everything of the request that the registry looks at. So a header fits one request and is
/// good once: who listens between the processes can neither change its peer nor step the routing keys a second time.
/// </remarks>
internal static class ForwardingSeal
{
    /// <summary>Name of the header.</summary>
    public const string Header = "Mesh-Forwarded";

    /// <summary>Longest header that is looked at; those that are sent are shorter.</summary>
    public const int MaxLength = 192;

    internal static string MacOf(LeaderSecret secret, string said, RegistryRequest request)
    {
        // No part can hold a line feed, and what is absent is not what is empty.
        string text = string.Join('\n', "Mesh-Forwarded", said, request.Verb, request.Target, Optional(request.Mac), Optional(request.ForwardedFor));
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        _ = HMACSHA256.HashData(secret.Octets, Encoding.UTF8.GetBytes(text), mac);
        return Convert.ToBase64String(mac);
    }

    private static string Optional(string? value) => value is null ? "-" : "+" + value;
}

/// <summary>Makes headers for one leader. For any number of threads.</summary>
internal sealed class ForwardingSigner(LeaderSecret secret)
{
    private readonly string _sender = Convert.ToHexString(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    private long _next = -1;

    /// <summary>The header of one request.</summary>
    public string HeaderFor(RegistryRequest request)
    {
        string said = string.Create(CultureInfo.InvariantCulture, $"{Origins.Plain(request.Peer)} {_sender} {Interlocked.Increment(ref _next)}");
        return $"{said} {ForwardingSeal.MacOf(secret, said, request)}";
    }
}

/// <summary>What a header is worth.</summary>
internal enum ForwardingVerdict
{
    /// <summary>From a process of the cluster, and new.</summary>
    Genuine,

    /// <summary>Malformed, of another epoch, or not from the cluster.</summary>
    Foreign,

    /// <summary>It was genuine the first time.</summary>
    Replayed,
}

/// <summary>Checks headers for the process that leads. For any number of threads.</summary>
internal sealed class ForwardingVerifier(LeaderSecret secret)
{
    /// <summary>How many senders are remembered. Each process of the cluster is one, and one more for each time it lost sight of the leader.</summary>
    public const int MaxSenders = 4096;

    private readonly Dictionary<ulong, Sender> _senders = [];

    /// <summary>Checks a header.</summary>
    /// <param name="header">Its value.</param>
    /// <param name="request">The request that came with it.</param>
    /// <param name="peer">The client's address, where it is genuine.</param>
    public ForwardingVerdict Check(string header, RegistryRequest request, out IPAddress peer)
    {
        peer = IPAddress.None;
        if (header.Length > ForwardingSeal.MaxLength)
            return ForwardingVerdict.Foreign;
        string[] parts = header.Split(' ');
        if (parts.Length != 4
            || parts[1].Length != 2 * sizeof(ulong)
            || !ulong.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong sender)
            || !ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out ulong counter) || counter > long.MaxValue
            || !IPAddress.TryParse(parts[0], out IPAddress? address)
            || !Base64.IsValid(parts[3]))
        {
            return ForwardingVerdict.Foreign;
        }

        string expected = ForwardingSeal.MacOf(secret, $"{parts[0]} {parts[1]} {parts[2]}", request);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.ASCII.GetBytes(parts[3])))
            return ForwardingVerdict.Foreign;
        if (!IsNew(sender, counter))
            return ForwardingVerdict.Replayed;
        peer = address;
        return ForwardingVerdict.Genuine;
    }

    private bool IsNew(ulong sender, ulong counter)
    {
        lock (_senders)
        {
            if (!_senders.TryGetValue(sender, out Sender? known))
            {
                // Only who knows the secret can add one. To forget one would be to accept its headers again.
                if (_senders.Count == MaxSenders)
                    return false;
                _senders.Add(sender, known = new Sender());
            }

            return known.Accept(counter);
        }
    }

    private sealed class Sender
    {
        private ReplayWindow _window = new();

        public bool Accept(ulong counter) => _window.Accept(counter) is Freshness.Newest or Freshness.Late;
    }
}
