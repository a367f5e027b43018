namespace Mesh.Protocol.OpenVpn;

/// <summary>Something that an OpenVPN process says, whole: an event with all its variables, or a single line.</summary>
/// <param name="Line">The line that began it.</param>
/// <param name="Variables">Its variables; none for a single line.</param>
public sealed record ManagementNotice(ManagementLine Line, IReadOnlyDictionary<string, string> Variables)
{
    private static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A single line.</summary>
    public ManagementNotice(ManagementLine line)
        : this(line, None)
    {
    }

    /// <summary>The value of a variable, or an empty text.</summary>
    public string this[string variable] => Variables.GetValueOrDefault(variable, "");
}
