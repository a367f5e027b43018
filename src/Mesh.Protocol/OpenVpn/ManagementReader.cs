using System.Text;

namespace Mesh.Protocol.OpenVpn;

/// <summary>Puts the octets that come from a management interface together to lines, and lines to notices.</summary>
/// <remarks>Bounded, whatever comes: of a line that is too long nothing is used, of an event with too many variables the first <see cref="MaxVariables"/>.</remarks>
public sealed class ManagementReader
{
    /// <summary>Variables of one event that are kept; OpenVPN 2.6 sends about 60, and lets a client add a few.</summary>
    public const int MaxVariables = 512;

    private readonly byte[] _line = new byte[ManagementLine.MaxLength];
    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);
    private int _length;
    private bool _isTooLong;
    private ManagementLine? _event;

    /// <summary>Lines that could not be used: too long, malformed, or variables of no event.</summary>
    public long RefusedCount { get; private set; }

    /// <summary>Takes octets in, in the pieces in which they come.</summary>
    /// <param name="octets">The next ones.</param>
    /// <param name="notices">What has become whole by them is added here.</param>
    public void Append(ReadOnlySpan<byte> octets, ICollection<ManagementNotice> notices)
    {
        ArgumentNullException.ThrowIfNull(notices);
        foreach (byte octet in octets)
        {
            if (octet == '\n')
            {
                EndLine(notices);
                (_length, _isTooLong) = (0, false);
            }
            else if (_length < _line.Length)
            {
                _line[_length++] = octet;
            }
            else
            {
                _isTooLong = true;
            }
        }
    }

    private void EndLine(ICollection<ManagementNotice> notices)
    {
        ReadOnlySpan<byte> octets = _line.AsSpan(0, _length);
        if (octets is [.., (byte)'\r'])
            octets = octets[..^1];
        if (_isTooLong || !ManagementLine.TryParse(Encoding.UTF8.GetString(octets), out ManagementLine line))
        {
            RefusedCount++;
            return;
        }

        switch (line.Kind)
        {
            case ManagementLineKind.Other:
                break;
            case ManagementLineKind.Client or ManagementLineKind.Device:
                _variables.Clear();
                _event = line;
                break;
            case ManagementLineKind.ClientVariable or ManagementLineKind.DeviceVariable when Belongs(line.Kind - 1) && _variables.Count < MaxVariables:
                _variables[line.Word] = line.Text;
                break;
            case ManagementLineKind.ClientEnd or ManagementLineKind.DeviceEnd when Belongs(line.Kind - 2):
                notices.Add(new ManagementNotice(_event!.Value, new Dictionary<string, string>(_variables, StringComparer.Ordinal)));
                _event = null;
                break;
            case ManagementLineKind.ClientVariable or ManagementLineKind.DeviceVariable or ManagementLineKind.ClientEnd or ManagementLineKind.DeviceEnd:
                RefusedCount++;
                break;
            default:
                notices.Add(new ManagementNotice(line));
                break;
        }
    }

    private bool Belongs(ManagementLineKind kind) => _event?.Kind == kind;
}
