using System.Globalization;
using System.Runtime.InteropServices;

namespace Mesh.Protocol.OpenVpn;

/// <summary>Version of an OpenVPN program.</summary>
/// <param name="Major">2.</param>
/// <param name="Minor">4 to 6 are known here.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct OpenVpnVersion(int Major, int Minor)
{
    /// <summary>The oldest version whose options are known here.</summary>
    public static OpenVpnVersion Oldest { get; } = new(2, 4);

    /// <summary>Whether ciphers are agreed on by <c>data-ciphers</c>, and <c>ncp-disable</c> is no option any more.</summary>
    public bool HasDataCiphersOnly => IsAtLeast(2, 6);

    /// <summary>Whether it is this version or a later one.</summary>
    public bool IsAtLeast(int major, int minor) => Major > major || (Major == major && Minor >= minor);

    /// <summary>Reads what <c>openvpn --version</c> says first: <c>OpenVPN 2.6.14 x86_64-pc-linux-gnu ...</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out OpenVpnVersion version)
    {
        const string Name = "OpenVPN ";
        version = default;
        if (!text.StartsWith(Name, StringComparison.Ordinal))
            return false;
        text = text[Name.Length..];
        int dot = text.IndexOf('.');
        if (dot < 0 || !int.TryParse(text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out int major))
            return false;
        text = text[(dot + 1)..];
        int end = text.IndexOfAnyExceptInRange('0', '9');
        if (!int.TryParse(end < 0 ? text : text[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int minor))
            return false;
        version = new OpenVpnVersion(major, minor);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Major}.{Minor}";
}
