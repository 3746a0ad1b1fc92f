import DefaultTheme from "vitepress/theme";
import "./tz.css";

export default DefaultTheme;
