using System.Globalization;
using Mesh.Babel;

namespace Mesh.Node.Routing;

/// <summary>Reads the network parameter babel_default: defaults of the interfaces of routing daemons, in the words of babeld (protocol reference, babel_default).</summary>
public static class BabelDefaults
{
    /// <summary>What babeld takes for an interface of type tunnel where nothing is said.</summary>
    private static readonly RttParameters Tunnel = new() { MaxPenalty = 96 };

    /// <summary>How round trips count. Words that are not about that are none of ours, and where the values cannot be used together nothing of them counts.</summary>
    /// <param name="words">Such as <c>max-rtt-penalty 5000 rtt-max 500 rtt-decay 125</c>: names with a value each; times in milliseconds.</param>
    /// <param name="problem">What could not be used, or null.</param>
    /// <returns>Null where round trips are not to be measured.</returns>
    public static RttParameters? RttOf(string words, out string? problem)
    {
        ArgumentNullException.ThrowIfNull(words);
        problem = null;
        RttParameters rtt = Tunnel;
        bool isMeasured = true;
        string[] list = words.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i + 1 < list.Length; i += 2)
        {
            (string name, string value) = (list[i], list[i + 1]);
            if (name == "enable-timestamps")
                isMeasured = value != "false";
            else if (name is "max-rtt-penalty" or "rtt-decay" or "rtt-min" or "rtt-max" && !TryApply(name, value, ref rtt))
                problem = $"{name} {value}: a number was expected, of milliseconds where it is a time";
        }

        if (rtt.Problems().FirstOrDefault() is { } other)
            (problem, rtt) = (other, Tunnel);
        return isMeasured ? rtt : null;
    }

    private static bool TryApply(string name, string value, ref RttParameters rtt)
    {
        if (name is "max-rtt-penalty" or "rtt-decay")
        {
            if (!ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number))
                return false;
            rtt = name == "rtt-decay" ? rtt with { Decay = number } : rtt with { MaxPenalty = number };
            return true;
        }

        if (!double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double milliseconds) || milliseconds is not <= TimeSpan.MillisecondsPerHour)
            return false;
        var time = TimeSpan.FromMilliseconds(milliseconds);
        rtt = name == "rtt-min" ? rtt with { Min = time } : rtt with { Max = time };
        return true;
    }
}
