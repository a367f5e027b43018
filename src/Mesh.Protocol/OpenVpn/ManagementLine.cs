using System.Globalization;
using System.Runtime.InteropServices;

namespace Mesh.Protocol.OpenVpn;

/// <summary>What a line of OpenVPN's management interface is.</summary>
public enum ManagementLineKind
{
    /// <summary>Something that nobody here waits for.</summary>
    Other,

    /// <summary><c>&gt;HOLD:</c>: the process waits for <c>hold release</c>.</summary>
    Hold,

    /// <summary><c>SUCCESS:</c>: the last command was done.</summary>
    Success,

    /// <summary><c>ERROR:</c>: the last command was refused.</summary>
    Error,

    /// <summary><c>&gt;STATE:</c>: the process is in another state; <see cref="ManagementLine.Word"/> is its name.</summary>
    State,

    /// <summary><c>&gt;LOG:</c>: a line of the log; <see cref="ManagementLine.Word"/> has its flags.</summary>
    Log,

    /// <summary><c>&gt;FATAL:</c>: the process ends, and says why.</summary>
    Fatal,

    /// <summary><c>&gt;CLIENT:</c> and what happened to a client of a server; variables follow.</summary>
    Client,

    /// <summary>A variable that belongs to the last <see cref="Client"/>.</summary>
    ClientVariable,

    /// <summary>The last variable of a client was the last one.</summary>
    ClientEnd,

    /// <summary><c>&gt;UPDOWN:</c>: the device came or goes, <see cref="ManagementLine.Word"/> says which; variables follow.</summary>
    Device,

    /// <summary>A variable that belongs to the last <see cref="Device"/>.</summary>
    DeviceVariable,

    /// <summary>The last variable of a device was the last one.</summary>
    DeviceEnd,
}

/// <summary>A line of OpenVPN's management interface (management-notes.txt of OpenVPN 2.4 to 2.6).</summary>
/// <remarks><code>
/// >HOLD:TEXT                        >CLIENT:CONNECT,CID,KID     a client asks to be let in          >UPDOWN:UP
/// >STATE:TIME,NAME,DETAIL,...       >CLIENT:REAUTH,CID,KID      its keys are to be renewed          >UPDOWN:DOWN
/// >LOG:TIME,FLAGS,TEXT              >CLIENT:ESTABLISHED,CID     it is in                            >UPDOWN:ENV,NAME=VALUE
/// >FATAL:TEXT                       >CLIENT:DISCONNECT,CID      it is gone                          >UPDOWN:ENV,END
/// SUCCESS: TEXT                     >CLIENT:ENV,NAME=VALUE
/// ERROR: TEXT                       >CLIENT:ENV,END
/// </code></remarks>
/// <param name="Kind">What it is.</param>
/// <param name="Word">Name of a state, flags of a log line, what happened to a client or a device, or name of a variable; empty for others.</param>
/// <param name="Text">Value of a variable, or what there is to read.</param>
/// <param name="Client">OpenVPN's number of a client, 0 for others.</param>
/// <param name="Key">OpenVPN's number of the keys that a client asks for; 0 where it asks for none.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ManagementLine(ManagementLineKind Kind, string Word = "", string Text = "", uint Client = 0, uint Key = 0)
{
    /// <summary>Characters of the longest line that is read; OpenVPN cuts its own far below.</summary>
    public const int MaxLength = 8192;

    private const string End = "END";

    private static ManagementLine Nothing => new(ManagementLineKind.Other);

    /// <summary>Reads a line without its end.</summary>
    /// <returns>False where it is too long, or begins like a known one and is not.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out ManagementLine line)
    {
        line = Nothing;
        if (text.Length > MaxLength)
            return false;
        int colon = text.IndexOf(':');
        if (colon < 0)
            return true;
        ReadOnlySpan<char> rest = text[(colon + 1)..];
        switch (text[..colon])
        {
            case "SUCCESS":
                line = new ManagementLine(ManagementLineKind.Success, Text: rest.TrimStart().ToString());
                return true;
            case "ERROR":
                line = new ManagementLine(ManagementLineKind.Error, Text: rest.TrimStart().ToString());
                return true;
            case ">HOLD":
                line = new ManagementLine(ManagementLineKind.Hold, Text: rest.ToString());
                return true;
            case ">FATAL":
                line = new ManagementLine(ManagementLineKind.Fatal, Text: rest.ToString());
                return true;
            case ">STATE":
                return TryReadTimed(ManagementLineKind.State, rest, out line);
            case ">LOG":
                return TryReadTimed(ManagementLineKind.Log, rest, out line);
            case ">CLIENT":
                return TryReadClient(rest, out line);
            case ">UPDOWN":
                return TryReadDevice(rest, out line);
            default:
                return true;
        }
    }

    private static bool TryReadTimed(ManagementLineKind kind, ReadOnlySpan<char> text, out ManagementLine line)
    {
        line = Nothing;
        int first = text.IndexOf(',');
        if (first < 0)
            return false;
        text = text[(first + 1)..];
        int second = text.IndexOf(',');
        if (second < 0)
            return false;
        line = new ManagementLine(kind, text[..second].ToString(), text[(second + 1)..].ToString());
        return true;
    }

    private static bool TryReadClient(ReadOnlySpan<char> text, out ManagementLine line)
    {
        line = Nothing;
        int comma = text.IndexOf(',');
        if (comma < 0)
            return false;
        ReadOnlySpan<char> word = text[..comma], rest = text[(comma + 1)..];
        if (word is "ENV")
            return TryReadVariable(ManagementLineKind.ClientVariable, ManagementLineKind.ClientEnd, rest, out line);
        comma = rest.IndexOf(',');
        bool hasKey = word is "CONNECT" or "REAUTH";
        if (!hasKey && word is not ("ESTABLISHED" or "DISCONNECT" or "ADDRESS" or "CR_RESPONSE"))
            return true;   // of a newer OpenVPN
        uint key = 0;
        if (!TryReadNumber(comma < 0 ? rest : rest[..comma], out uint client) || (hasKey && (comma < 0 || !TryReadNumber(rest[(comma + 1)..], out key))))
            return false;
        // An address or a response is no event, and no variables follow the first.
        line = word is "ADDRESS" or "CR_RESPONSE" ? Nothing : new ManagementLine(ManagementLineKind.Client, word.ToString(), Client: client, Key: key);
        return true;
    }

    private static bool TryReadDevice(ReadOnlySpan<char> text, out ManagementLine line)
    {
        line = Nothing;
        if (text is "UP" or "DOWN")
        {
            line = new ManagementLine(ManagementLineKind.Device, text.ToString());
            return true;
        }

        return text.StartsWith("ENV,") && TryReadVariable(ManagementLineKind.DeviceVariable, ManagementLineKind.DeviceEnd, text[4..], out line);
    }

    private static bool TryReadVariable(ManagementLineKind variable, ManagementLineKind end, ReadOnlySpan<char> text, out ManagementLine line)
    {
        int equals = text.IndexOf('=');
        line = text is End ? new ManagementLine(end)
            : equals > 0 ? new ManagementLine(variable, text[..equals].ToString(), text[(equals + 1)..].ToString())
            : Nothing;
        return line.Kind != ManagementLineKind.Other;
    }

    private static bool TryReadNumber(ReadOnlySpan<char> text, out uint number) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
