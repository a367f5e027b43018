using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Rotation;
using Mesh.Security;
using Mesh.Security.Certificates;

namespace Mesh.Registry.Http.Re6st;

/// <summary>Reads the database of a registry of re6st and checks all of it, so that what is taken over can be relied on. Nothing is written.</summary>
/// <remarks>Protocol reference section 3.6. Certificates are signed by the authority, name their row and overlap with nobody; the version carries the authority's signature; the counter of
/// serial numbers is beyond all of them; the keys are in a state of their rotation.</remarks>
public sealed class Re6stRegistryReader
{
    /// <summary>Rows of a table that are too many.</summary>
    public const int MaxRows = 1_000_000;

    private const int MaxProblems = 100;
    private const int MaxTextLength = 256;
    private const int MaxConfigLength = 4 << 20;   // a revocation list of re6st only grows
    private const int KeyLength = 16;
    private const double MaxUnixSeconds = 253_402_300_799;   // end of the year 9999
    private const string ReservedMark = "reserved";
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly AuthorityCertificate _authority;
    private readonly CertificateVerifier _verifier;
    private readonly List<string> _problems = [];
    private readonly List<string> _notes = [];
    private int _unlistedProblems;

    private Re6stRegistryReader(AuthorityCertificate authority) => (_authority, _verifier) = (authority, new CertificateVerifier(authority));

    /// <summary>Reads a database.</summary>
    /// <param name="path">The file; its registry must not run.</param>
    /// <param name="authority">The certificate of the network's authority.</param>
    /// <exception cref="Re6stImportException">It cannot be read, is in use, or something in it is not as it has to be; the exception has every problem.</exception>
    public static Re6stRegistry Read(string path, AuthorityCertificate authority)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(authority);
        using Re6stDatabase database = Re6stDatabase.Open(path);
        return new Re6stRegistryReader(authority).Read(database);
    }

    private Re6stRegistry Read(Re6stDatabase database)
    {
        ImmutableArray<Re6stToken> tokens = Table(() => Tokens(database.Rows("SELECT token, email, prefix_len, date FROM token", "token", MaxRows)));
        (ImmutableArray<Re6stNode> nodes, ImmutableArray<NodePrefix> reserved) = Table(() => Certificates(database.Rows("SELECT prefix, email, cert FROM cert", "cert", MaxRows)), ([], []));
        ImmutableArray<Re6stRevocation> revoked = Table(() => Revocations(database.Rows("SELECT serial, date FROM crl", "crl", MaxRows)));
        Dictionary<string, object?> config = Table(() => Config(database.Rows("SELECT name, value FROM config", "config", MaxRows)), new Dictionary<string, object?>(StringComparer.Ordinal));
        ImmutableArray<byte[]?> keys = [Key(config, "babel_hmac0"), Key(config, "babel_hmac1"), Key(config, "babel_hmac2")];
        var registry = new Re6stRegistry
        {
            Network = _authority.Network,
            Tokens = tokens,
            Nodes = nodes,
            Reserved = reserved,
            Revoked = revoked,
            LastSerial = LastSerial(config, nodes, revoked),
            RegistryPrefix = RegistryPrefix(config, nodes),
            Version = Version(config, nodes),
            LastConfig = LastConfig(config, nodes),
            BabelKeys = keys,
            KeyState = StateOf(keys),
            ValidUntil = ValidUntil(config),
            Notes = [.. _notes],
        };
        if (_unlistedProblems > 0)
            _problems.Add($"and {_unlistedProblems} more");
        return _problems.Count == 0 ? registry : throw new Re6stImportException([.. _problems]);
    }

    // A table that cannot be read is one problem; the others are looked at all the same.
    private T Table<T>(Func<T> read, T? fallback = default)
    {
        try
        {
            return read();
        }
        catch (Re6stImportException e)
        {
            foreach (string problem in e.Problems)
                Report(problem);
            return fallback!;
        }
    }

    private ImmutableArray<Re6stToken> Table(Func<ImmutableArray<Re6stToken>> read) => Table(read, []);

    private ImmutableArray<Re6stRevocation> Table(Func<ImmutableArray<Re6stRevocation>> read) => Table(read, []);

    private ImmutableArray<Re6stToken> Tokens(List<object?[]> rows)
    {
        var tokens = new SortedDictionary<string, Re6stToken>(StringComparer.Ordinal);
        for (int row = 0; row < rows.Count; row++)
        {
            // Not by its secret: the message may end up in a log.
            string where = $"table token, row {row + 1} (e-mail '{Shown(rows[row][1])}')";
            bool isRight = TryText(rows[row][0], out string? secret);
            if (isRight && secret!.Length == 0)
            {
                _notes.Add($"{where}: the token is empty, so nobody can use it; it is passed over");
                continue;
            }

            isRight = Require(isRight && secret!.Length <= MaxTextLength && !secret.Any(char.IsControl), $"{where}: a token has 1 to {MaxTextLength} characters and no control characters");
            isRight &= Require(TryText(rows[row][1], out string? email) && IsEmail(email), $"{where}: an e-mail address has at most {MaxTextLength} characters and no control characters");
            isRight &= Require(
                TryInteger(rows[row][2], 1, (ulong)_authority.Network.HostBits, out ulong length), $"{where}: prefix_len is '{Shown(rows[row][2])}'; in {_authority.Network} it has to be 1 to {_authority.Network.HostBits}");
            isRight &= Require(TryTime(rows[row][3], out DateTimeOffset created), $"{where}: date '{Shown(rows[row][3])}' is no time");
            if (isRight)
                _ = Require(tokens.TryAdd(secret!, new Re6stToken(secret!, email!, (int)length, created)), $"{where}: the token is there twice");
        }

        return [.. tokens.Values];
    }

    private (ImmutableArray<Re6stNode> Nodes, ImmutableArray<NodePrefix> Reserved) Certificates(List<object?[]> rows)
    {
        var leaves = new List<NodePrefix>(rows.Count);
        var nodes = new List<Re6stNode>();
        var reserved = new List<NodePrefix>();
        foreach (object?[] row in rows)
        {
            string where = $"table cert, row '{Shown(row[0])}'";
            if (!TryText(row[0], out string? bits) || (bits.Length > 0 && !NodePrefix.TryParseBits(bits, out _)))
            {
                Report($"{where}: the prefix is not written as bits");
                continue;
            }

            NodePrefix prefix = bits.Length == 0 ? NodePrefix.Empty : NodePrefix.ParseBits(bits);
            leaves.Add(prefix);
            if (row[2] is null)
                continue;   // free
            if (!TryText(row[2], out string? pem))
                Report($"{where}: the certificate is no text");
            else if (pem == ReservedMark)
                reserved.Add(prefix);
            else if (ReadNode(where, prefix, row[1], pem) is { } node)
                nodes.Add(node);
        }

        Compare(leaves, nodes);
        return ([.. nodes.OrderBy(static node => node.Prefix)], [.. reserved.Order()]);
    }

    private Re6stNode? ReadNode(string where, NodePrefix prefix, object? emailValue, string pem)
    {
        string? email = null;
        bool isRight = Require(
            emailValue is null || (TryText(emailValue, out email) && IsEmail(email)), $"{where}: an e-mail address has at most {MaxTextLength} characters and no control characters");
        if (!NodeCertificate.TryParsePem(pem, out NodeCertificate? certificate))
        {
            Report($"{where}: the certificate cannot be read, or its subject is ambiguous. Exactly one common name INT/LEN and at most one serialNumber is allowed; a node can make registries of re6st give it a second one, "
                + "and pass for another node with it. Revoke it there");
            return null;
        }

        isRight &= Require(certificate.Prefix == prefix, $"{where}: its certificate is that of {certificate.Prefix}, not of {(prefix.IsEmpty ? "the whole network" : prefix.CommonName)}");
        // At a time when it was valid: certificates that expired are kept for the grace period, and an authority may have been renewed since.
        CertificateVerdict verdict = _verifier.Verify(certificate, _verifier.TimeForOwn(certificate, DateTimeOffset.MaxValue), ImmutableHashSet<ulong>.Empty);
        isRight &= Require(
            verdict is not (CertificateVerdict.UnknownIssuer or CertificateVerdict.BadSignature), $"{where}: its certificate is not signed by the given certificate authority");
        isRight &= Require(
            certificate.PublicKey.Size == _authority.PublicKey.Size, $"{where}: its key has {certificate.PublicKey.Size} bits; every key of a network has the size of the authority's, {_authority.PublicKey.Size}");
        isRight &= Require(certificate.Prefix.FitsIn(_authority.Network), $"{where}: {certificate.Prefix} does not fit in {_authority.Network}");
        return isRight ? new Re6stNode(prefix, email, pem, certificate.SerialNumber, certificate.SubjectSerial, certificate.NotBefore, certificate.NotAfter) : null;
    }

    private void Compare(List<NodePrefix> leaves, List<Re6stNode> nodes)
    {
        // In their order a prefix stands right before the first of those that it covers.
        leaves.Sort();
        for (int i = 1; i < leaves.Count; i++)
            _ = Require(!leaves[i - 1].Covers(leaves[i]), $"table cert: rows '{leaves[i - 1].Bits}' and '{leaves[i].Bits}' overlap");
        foreach (IGrouping<ulong, Re6stNode> same in nodes.GroupBy(static node => node.Serial).Where(static group => group.Skip(1).Any()))
            Report($"table cert: rows {Rows(same)} have certificates with the same serial number {same.Key}");
        foreach (IGrouping<uint?, Re6stNode> same in nodes.Where(static node => node.SubjectSerial is not null).GroupBy(static node => node.SubjectSerial).Where(static group => group.Skip(1).Any()))
            Report($"table cert: rows {Rows(same)} have the same serialNumber {same.Key} in their subjects, so they would share an IPv4 subnet");

        static string Rows(IEnumerable<Re6stNode> nodes) => string.Join(" and ", nodes.Select(static node => $"'{node.Prefix.Bits}'"));
    }

    private ImmutableArray<Re6stRevocation> Revocations(List<object?[]> rows)
    {
        var revoked = new SortedDictionary<ulong, Re6stRevocation>();
        foreach (object?[] row in rows)
        {
            string where = $"table crl, row {Shown(row[0])}";
            bool isRight = Require(TryInteger(row[0], 1, ulong.MaxValue, out ulong serial), $"{where}: it is no serial number of a certificate");
            isRight &= Require(TryTime(row[1], out DateTimeOffset notAfter), $"{where}: date '{Shown(row[1])}' is no time");
            if (isRight)
                _ = Require(revoked.TryAdd(serial, new Re6stRevocation(serial, notAfter)), $"{where}: it is there twice");
        }

        return [.. revoked.Values];
    }

    private Dictionary<string, object?> Config(List<object?[]> rows)
    {
        var config = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (object?[] row in rows)
            _ = Require(TryText(row[0], out string? name) && config.TryAdd(name, row[1]), $"table config, row '{Shown(row[0])}': the name is no text, or is there twice");
        return config;
    }

    private ulong LastSerial(Dictionary<string, object?> config, ImmutableArray<Re6stNode> nodes, ImmutableArray<Re6stRevocation> revoked)
    {
        ulong highest = nodes.Select(static node => node.Serial).Concat(revoked.Select(static revocation => revocation.Serial)).DefaultIfEmpty().Max();
        object? value = config.GetValueOrDefault("serial");
        ulong serial = 0;
        if (Require(value is null || TryInteger(value, 0, ulong.MaxValue, out serial), $"table config, row 'serial': '{Shown(value)}' is no number"))
            _ = Require(serial >= highest, $"table config, row 'serial': the last serial number is {serial}, but {highest} was given; the next one could be given twice");
        return serial;
    }

    private NodePrefix? RegistryPrefix(Dictionary<string, object?> config, ImmutableArray<Re6stNode> nodes)
    {
        if (config.GetValueOrDefault("prefix") is not { } value)
        {
            _ = Require(nodes.IsEmpty, "table config, row 'prefix': it is missing, though there are nodes; it names the node next to the registry");
            return null;
        }

        if (!Require(TryText(value, out string? bits) & NodePrefix.TryParseBits(bits, out NodePrefix prefix), $"table config, row 'prefix': '{Shown(value)}' is not a prefix as bits"))
            return null;
        _ = Require(nodes.Any(node => node.Prefix == prefix), $"table config, row 'prefix': the node next to the registry, {prefix}, has no certificate that can be taken over");
        return prefix;
    }

    private NetworkVersion Version(Dictionary<string, object?> config, ImmutableArray<Re6stNode> nodes)
    {
        if (config.GetValueOrDefault("version") is not { } value)
        {
            _ = Require(nodes.IsEmpty, "table config, row 'version': it is missing, though there are nodes");
            return NetworkVersion.Initial;
        }

        if (Require(TryOctets(value, out byte[]? blob) & NetworkVersion.TryParse(blob, out NetworkVersion? version), "table config, row 'version': it is no version"))
            _ = Require(VersionSigner.IsValid(version!, _authority), $"table config, row 'version': version {version!.Number} is not signed by the given certificate authority");
        return version ?? NetworkVersion.Initial;
    }

    private string? LastConfig(Dictionary<string, object?> config, ImmutableArray<Re6stNode> nodes)
    {
        if (config.GetValueOrDefault("last_config") is not { } value)
        {
            _ = Require(nodes.IsEmpty, "table config, row 'last_config': it is missing, though there are nodes");
            return null;
        }

        return Require(TryText(value, out string? text) && IsJsonObject(text), "table config, row 'last_config': it is no JSON object") ? text : null;
    }

    private byte[]? Key(Dictionary<string, object?> config, string name)
    {
        object? value = config.GetValueOrDefault(name);
        byte[]? key = null;
        // Never shown: it is a secret.
        _ = Require(value is null || (TryOctets(value, out key) && key.Length is 0 or KeyLength), $"table config, row '{name}': a key has {KeyLength} octets, or none where any signature is to be accepted");
        return key;
    }

    private RotationState StateOf(ImmutableArray<byte[]?> keys)
    {
        RotationState? state = BabelKeys.StateOf(keys);
        _ = Require(
            state is not null, $"table config, rows 'babel_hmac0' to 'babel_hmac2': the slots are {BabelKeys.Pattern(keys)} (- absent, 0 empty, K a key), which is no step of a rotation");
        return state ?? RotationState.None;
    }

    private DateTimeOffset? ValidUntil(Dictionary<string, object?> config)
    {
        if (config.GetValueOrDefault("valid_until") is not { } value)
            return null;
        return Require(TryTime(value, out DateTimeOffset time), $"table config, row 'valid_until': '{Shown(value)}' is no time") ? time : null;
    }

    private bool Require(bool condition, string problem)
    {
        if (!condition)
            Report(problem);
        return condition;
    }

    private void Report(string problem)
    {
        if (_problems.Count < MaxProblems)
            _problems.Add(problem);
        else
            _unlistedProblems++;
    }

    private static bool IsEmail(string text) => text.Length <= MaxTextLength && !text.Any(char.IsControl);

    private static bool IsJsonObject(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        // The parser tells malformed text in this way only.
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryText(object? value, [NotNullWhen(true)] out string? text)
    {
        text = value as string;
        if (value is byte[] octets && octets.Length <= MaxConfigLength)
        {
            try
            {
                text = StrictUtf8.GetString(octets);
            }
            catch (DecoderFallbackException)
            {
                return false;
            }
        }

        return text is { Length: <= MaxConfigLength };
    }

    private static bool TryOctets(object? value, [NotNullWhen(true)] out byte[]? octets)
    {
        octets = value as byte[] ?? (value is string text ? Encoding.UTF8.GetBytes(text) : null);
        return octets is not null;
    }

    private static bool TryInteger(object? value, ulong min, ulong max, out ulong number)
    {
        (bool isNumber, number) = value switch
        {
            long integer => (integer >= 0, (ulong)Math.Max(0, integer)),
            string text => (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong parsed), parsed),
            _ => (false, 0UL),
        };
        return isNumber && number >= min && number <= max;
    }

    // Whole seconds or a fraction, depending on who wrote it.
    private static bool TryTime(object? value, out DateTimeOffset time)
    {
        double seconds = value switch { long integer => integer, double number => number, _ => -1 };
        bool isTime = seconds is >= 0 and <= MaxUnixSeconds;
        time = isTime ? DateTimeOffset.UnixEpoch + TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)) : default;
        return isTime;
    }

    // What stands in a row that is not right, short and without anything that could deceive a terminal.
    private static string Shown(object? value)
    {
        const int MaxShown = 140;
        string text = value switch { null => "NULL", byte[] octets => $"{octets.Length} octets", _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "" };
        return string.Concat((text.Length > MaxShown ? text[..MaxShown] + "..." : text).Select(static character => char.IsControl(character) ? '?' : character));
    }
}
