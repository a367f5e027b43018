using System.Globalization;

namespace Mesh.Security.Certificates;

/// <summary>The serialNumber of a subject: a plain decimal number.</summary>
internal static class SubjectNumber
{
    public static bool TryParse(string? text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number.ToString(CultureInfo.InvariantCulture) == text;
}
