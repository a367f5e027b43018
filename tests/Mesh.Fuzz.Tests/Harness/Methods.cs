using System.Reflection;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>Names of methods of the product.</summary>
internal static class Methods
{
    /// <summary>TYPE.METHOD; all overloads have one name.</summary>
    public static string Name(MethodBase method) => $"{method.DeclaringType!.FullName}.{method.Name}";

    /// <summary>The same for a method that is named in code.</summary>
    /// <exception cref="ArgumentException">There is no such method.</exception>
    public static string Name(Type type, string method)
    {
        const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;
        MethodInfo found = Array.Find(type.GetMethods(Any), candidate => candidate.Name == method)
            ?? throw new ArgumentException($"{type} has no method {method}.", nameof(method));
        return Name(found);
    }
}
